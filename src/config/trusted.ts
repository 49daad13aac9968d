/**
 * The part of the configuration that says whose tokens count beside our own: other issuers, how their tokens are known,
 * and what those who come with them may do. Everything in here guards the door, so whatever is unclear is refused.
 */
import { resolve } from "node:path";
import * as v from "valibot";
import { dayMs, isSafeWay, scopes, secondMs, text, wholeNumber } from "./shapes.ts";

// Only a connection that nobody can change may say whose signatures count.
const isSafeUrl = (given: string): boolean => {
  const url = URL.parse(given);
  return url !== null && url.username === "" && url.password === "" && !/[?#]/.test(given) && isSafeWay(url);
};
/** The address of an issuer. */
export const safeUrl = v.pipe(v.string(), v.check(isSafeUrl, "must be an https URL without query and fragment (http on this computer alone)"));

/** What is granted by one claim. */
export const ruleEntry = v.pipe(
  v.strictObject({
    claim: v.pipe(text(), v.description("Name of the claim that is looked at; with a slash in front a path into it (RFC 6901), as /realm_access/roles.")),
    contains: v.optional(v.pipe(text(), v.description("It is a list with this text in it, or words of which this is one. Either this or equals."))),
    equals: v.optional(v.pipe(text(), v.description("It is this text. Either this or contains."))),
    scopes: v.pipe(scopes("What is granted then."), v.minLength(1, "must hold a scope")),
  }),
  v.check(({ contains, equals }) => (contains === undefined) !== (equals === undefined), "must have exactly one of contains and equals"),
);

const issuer = v.pipe(
  v.strictObject({
    issuer: v.pipe(safeUrl, v.description("Its name, exactly as it stands in its tokens (iss).")),
    audience: v.optional(v.pipe(text(), v.description("What its tokens for us name as aud; such a token is good at every endpoint. Default: the address of the endpoint that is called."))),
    jwksUrl: v.optional(v.pipe(safeUrl, v.description("Where its keys are. Default: where its metadata say."))),
    jwks: v.optional(v.pipe(v.strictObject({ $file: v.pipe(text(), v.description("The file.")) }), v.description('A file with its keys, as {"$file": "keys.json"}: nothing is fetched then; a relative path starts at the configuration\'s folder. Default: they are fetched.'))),
    typ: v.optional(v.pipe(v.picklist(["at+jwt", "jwt"]), v.description("What kind its tokens say they are: at+jwt (RFC 9068), or with jwt also JWT and nothing, for issuers that know no better. Default: at+jwt."))),
    clients: v.optional(v.pipe(v.array(text()), v.description("Whose tokens count (client_id or azp). Default: those of all of its clients."))),
    maxAgeMs: v.optional(wholeNumber(secondMs, 30 * dayMs, "A token that was issued longer ago does not count, in milliseconds. Default: 86400000.")),
    scopes: v.optional(scopes("What everybody with a token of it is granted. Default: nothing.")),
    rules: v.optional(v.pipe(v.array(ruleEntry), v.description("What is granted beyond that, by what stands in the token. Default: nothing."))),
    idJag: v.optional(v.pipe(v.boolean(), v.description("Clients that show they are themselves may trade its identity assertions (ID-JAG) for tokens of ours. Default: false."))),
  }),
  v.check(({ jwks, jwksUrl }) => jwks === undefined || jwksUrl === undefined, "must not have both jwks and jwksUrl"),
);

/** `auth.issuers` of the configuration. */
export const issuersEntry = v.pipe(
  v.array(issuer),
  v.check((list) => new Set(list.map((one) => one.issuer)).size === list.length, "must name each issuer once"),
  v.description("Other authorization servers whose tokens count, with mode external or mixed. Default: none."),
);

type IssuerEntry = v.InferOutput<typeof issuer>;

/** What is granted by what stands in a token. */
export interface ClaimRule {
  /** A name, or with a slash in front a path (RFC 6901). */
  readonly claim: string;
  /** Null where `equals` counts. */
  readonly contains: string | null;
  readonly equals: string | null;
  readonly scopes: readonly string[];
}

/** Another authorization server, every default filled in. */
export interface TrustedIssuer {
  readonly issuer: string;
  /** Null: the address of the endpoint that is called. */
  readonly audience: string | null;
  /** Where its keys are; null: where its metadata say. */
  readonly jwksUrl: string | null;
  /** Absolute path of the file with its keys; null: they are fetched. */
  readonly jwksFile: string | null;
  readonly typ: "at+jwt" | "jwt";
  /** Null: any. */
  readonly clients: readonly string[] | null;
  readonly maxAgeMs: number;
  readonly scopes: readonly string[];
  readonly rules: readonly ClaimRule[];
  readonly idJag: boolean;
}

const plain = Object.freeze({ audience: null, jwksUrl: null, typ: "at+jwt", clients: null, maxAgeMs: dayMs, scopes: Object.freeze([]), idJag: false } as const);

/** The issuers that were written in a file of this folder, with the defaults of the rest. */
export const issuersOf = (entries: readonly IssuerEntry[] | undefined, folder: string): readonly TrustedIssuer[] =>
  Object.freeze((entries ?? []).map((entry) => issuerOf(entry, folder)));

// What stands in a file is never undefined.
function issuerOf({ jwks, rules = [], ...rest }: IssuerEntry, folder: string): TrustedIssuer {
  const jwksFile = jwks === undefined ? null : resolve(folder, jwks.$file);
  return Object.freeze({ ...plain, ...(rest as Pick<TrustedIssuer, "issuer">), jwksFile, rules: rulesOf(rules) });
}

/** Rules as they were written, with what they leave out. */
export const rulesOf = (entries: readonly v.InferOutput<typeof ruleEntry>[]): readonly ClaimRule[] => Object.freeze(entries.map(ruleOf));

const ruleOf = ({ claim, contains, equals, scopes: granted }: v.InferOutput<typeof ruleEntry>): ClaimRule =>
  Object.freeze({ claim, contains: contains ?? null, equals: equals ?? null, scopes: Object.freeze([...granted]) });
