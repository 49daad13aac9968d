/** Auth: who is calling us, and the keys of this installation. */
export { type AuthOptions, createAuth } from "./auth.ts";
export type { Grantable } from "./pending.ts";
export { ownToken } from "./ownToken.ts";
export type { Reached } from "./resources.ts";
export type { Random } from "./tokens.ts";
export type { Foreign } from "./verify.ts";
export { createOpenGuard, createTokenGuard, type Guard, operator, type TokenGuardOptions, type Verdict } from "./guard.ts";
export { type KeyPurpose, type StateKeys, stateKeys } from "./keys.ts";
export type { Auth, AuthMode, AuthOperator, Credentials, Decision, GrantInfo, NewToken, OAuthIn, OAuthOut, Page, ShownRequest, ShownScope, LoginInfo, RefusedBy, Remedy, RemoteLogin, RemoteLogins, Visitors } from "./types.ts";
export { createRemoteLogins, type RemoteLoginsOptions } from "./remoteLogins.ts";
