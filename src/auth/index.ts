/** Auth: who is calling us, and the keys of this installation. */
export { type AuthOptions, createAuth } from "./auth.ts";
export type { Grantable } from "./pending.ts";
export { ownToken } from "./ownToken.ts";
export type { Reached } from "./resources.ts";
export type { Random } from "./tokens.ts";
export { type Foreign, operatorPrincipal as operator } from "./verify.ts";
export { type KeyPurpose, type StateKeys, stateKeys } from "./keys.ts";
export type { Verdict, Auth, AuthMode, AuthOperator, Credentials, Decision, DeviceOffer, GrantInfo, NewToken, OAuthIn, OAuthOut, Page, PinnedClient, ShownClient, ShownRequest, ShownScope, LoginInfo, RefusedBy, Remedy, RemoteLogin, RemoteLogins, Visitors } from "./types.ts";
export { createRemoteLogins, type RemoteLoginsOptions } from "./remoteLogins.ts";
