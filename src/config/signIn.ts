/**
 * The part of the configuration that says how people of a company let their own programs in: the company's issuer (OpenID
 * Connect), and what each of them may grant. Whoever no rule speaks of may grant nothing; what is unclear is refused.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import { dayMs, scopes, secondMs, text, wholeNumber } from "./shapes.ts";
import { type ClaimRule, ruleEntry, rulesOf, safeUrl } from "./trusted.ts";

const domain = v.pipe(v.string(), v.regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "must be a domain in lower case"));

/** `auth.signIn` of the configuration. */
export const signInEntry = v.pipe(
  v.strictObject({
    issuer: v.pipe(safeUrl, v.description("The company's issuer, exactly as it stands in its tokens (iss); what it can do is read from its openid-configuration.")),
    clientId: v.pipe(text(), v.description("What we are called there. Where browsers come back to, and what has to be registered there, is /sign-in/callback under publicUrl.")),
    clientSecretFile: v.optional(v.pipe(text(), v.description("File with our secret there; a relative path starts at the configuration's folder. Default: none, a public client."))),
    name: v.optional(v.pipe(text(), v.description("How the company is called on our pages. Default: the issuer's host."))),
    requestScopes: v.optional(scopes("What is asked for there beside openid. Default: email.")),
    nameClaim: v.optional(v.pipe(text(), v.description("The claim by which people are named in pages, lists and the audit log. Default: the e-mail address where it is verified, else sub."))),
    scopes: v.optional(scopes("What everybody who can sign in there may grant. Default: nothing.")),
    rules: v.optional(v.pipe(v.array(ruleEntry), v.description("What somebody may grant beyond that, by the claims about him. Default: nothing."))),
    emailDomains: v.optional(v.pipe(v.record(domain, v.pipe(scopes("What they may grant."), v.minLength(1, "must hold a scope"))), v.description("What people with a verified e-mail address of a domain may grant beyond that. Default: nothing."))),
    grantMs: v.optional(wholeNumber(60 * secondMs, 366 * dayMs, "A grant that was approved like this ends so long after, in milliseconds, and the person signs in anew. Default: 2592000000.")),
  }),
  v.check(({ scopes: all = [], rules = [], emailDomains = {} }) => all.length + rules.length + Object.keys(emailDomains).length > 0, "needs scopes, rules or emailDomains: who may grant what"),
  v.description("People of a company sign in with its issuer and decide themselves about their programs, within these rules. With mode oauth or mixed. Default: the operator alone decides."),
);

export type SignInEntry = v.InferOutput<typeof signInEntry>;

/** How people of a company sign in, every default filled in. */
export interface SignInConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Absolute path; null: a public client. */
  readonly clientSecretFile: string | null;
  readonly name: string;
  readonly requestScopes: readonly string[];
  /** Null: the e-mail address where it is verified, else the subject. */
  readonly nameClaim: string | null;
  readonly scopes: readonly string[];
  readonly rules: readonly ClaimRule[];
  /** By domain, in lower case. */
  readonly emailDomains: Readonly<Record<string, readonly string[]>>;
  readonly grantMs: number;
}

/** What was written in a file of this folder, with the defaults of the rest; null where nothing was. */
export function signInOf(entry: SignInEntry | undefined, folder: string): SignInConfig | null {
  if (entry === undefined) return null;
  const { clientSecretFile, rules = [], ...rest } = entry;
  const standard = { name: new URL(entry.issuer).host, requestScopes: ["email"], nameClaim: null, scopes: [], emailDomains: {}, grantMs: 30 * dayMs };
  // What stands in a file is never undefined.
  const written = rest as Partial<SignInConfig> & Pick<SignInConfig, "issuer" | "clientId">;
  return Object.freeze({ ...standard, ...written, clientSecretFile: clientSecretFile === undefined ? null : resolve(folder, clientSecretFile), rules: rulesOf(rules) });
}
