/** Auth: who is calling us, and the keys of this installation. */
export { createOpenGuard, createTokenGuard, type Guard, operator, ownToken, type TokenGuardOptions, type Verdict } from "./guard.ts";
export { type KeyPurpose, type StateKeys, stateKeys } from "./keys.ts";
export type { Auth, AuthMode, AuthOperator, Credentials, Decision, GrantInfo, NewToken, OAuthIn, OAuthOut, Page, ShownRequest, ShownScope } from "./types.ts";
