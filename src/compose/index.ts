/** Compose: puts the parts together, and is the only room that does: a proxy that listens, one on pipes, a bridge to one, and what commands ask of one. Nothing here decides anything that a room could decide. */
export { startBridge } from "./bridge.ts";
export { ConfigFault } from "./ground.ts";
export { listenerAt } from "./knock.ts";
export { start } from "./listening.ts";
export type { BridgeOptions, Listening, Piped, ServeOptions, StartOptions } from "./options.ts";
export { startStdio } from "./piped.ts";
export { type Asking, reach, type Reached } from "./reach.ts";
export { endLeftBehind, grantsAtRest, leftBehind, type PinsAtRest, pinsAtRest } from "./rest.ts";
export type { AuthOperator, Decision, DeviceOffer, GrantInfo, LoginInfo, NewToken, PinnedClient, ShownClient, ShownRequest } from "../auth/index.ts";
export type { TailLine } from "../base/index.ts";
export type { ToolFacts } from "../catalog/index.ts";
export type { Reloaded, Report, Review, ServerFacts } from "../hub/index.ts";
