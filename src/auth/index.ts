/** Auth: who is calling us, and the keys of this installation. */
export { createOpenGuard, createTokenGuard, type Guard, operator, ownToken, type TokenGuardOptions, type Verdict } from "./guard.ts";
export { type KeyPurpose, type StateKeys, stateKeys } from "./keys.ts";
