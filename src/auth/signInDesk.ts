/**
 * Puts together what people of a company sign in with: the company's keys and its issuer as its client sees it, the
 * browsers that signed in, and the two addresses. Loaded only where the configuration names such an issuer.
 */
import { type Audit, type Clock, type Egress, fault, type Limits, type Log } from "../base/index.ts";
import { readSecretFile, type SignInConfig, type TrustedIssuer } from "../config/index.ts";
import type { Browsers } from "./browsers.ts";
import { Company } from "./company.ts";
import { openIssuers } from "./issuers.ts";
import { People } from "./people.ts";
import type { Resources } from "./resources.ts";
import { signInCallbackPath, SignIns, signInPath } from "./signIn.ts";
import type { Store } from "./store.ts";
import type { Random } from "./tokens.ts";
import type { OAuthIn, OAuthOut } from "./types.ts";

export interface SignInDeskOptions {
  readonly signIn: SignInConfig;
  readonly browsers: Browsers;
  readonly store: Store;
  readonly resources: Resources;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly log: Log;
  readonly egress: Egress;
  readonly audit: Pick<Audit, "record" | "isWritable">;
}

export interface SignInDesk {
  readonly people: People;
  /** By path. */
  readonly routes: Readonly<Record<string, (request: OAuthIn) => Promise<OAuthOut>>>;
  /** The company is asked for nothing any more. */
  close(): void;
}

/** Makes it ready; nothing is asked of the company before somebody signs in. Throws CONFIG_INVALID where our secret cannot be read. */
export async function openSignInDesk(options: SignInDeskOptions): Promise<SignInDesk> {
  const { signIn, limits } = options;
  const secret = signIn.clientSecretFile === null ? null : await secretIn(signIn.clientSecretFile);
  const trusted: TrustedIssuer = { issuer: signIn.issuer, audience: null, jwksUrl: null, jwksFile: null, typ: "jwt", clients: null, maxAgeMs: limits.loginMsMax, scopes: [], rules: [], idJag: false };
  const issuers = await openIssuers({ ...options, trusted: [trusted] });
  const ended = new AbortController();
  const company = new Company({ ...options, ended: ended.signal, issuers, trusted, secret });
  const people = new People(options);
  const signIns = new SignIns({ ...options, company, people });
  return {
    people,
    routes: { [signInPath]: (request) => signIns.go(request), [signInCallbackPath]: (request) => signIns.back(request) },
    close() {
      issuers.close();
      ended.abort();
    },
  };
}

async function secretIn(path: string): Promise<string> {
  const found = await readSecretFile(path);
  if ("value" in found && found.value !== "") return found.value;
  throw fault("CONFIG_INVALID", { detail: `auth.signIn.clientSecretFile ${"problem" in found ? found.problem : `needs the file ${path}, which is empty`}` });
}
