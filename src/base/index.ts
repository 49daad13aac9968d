/** Base: the words every room may use, knowing nothing of MCP. */
export { type Cancel, CancelSource } from "./cancel.ts";
export { type Clock, sleep, systemClock, type Timer } from "./clock.ts";
export { Fault, type FaultCode, type FaultDetail, type FaultRow, fault, faultOf, faults } from "./errors.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { Log, LogFields, LogLevelName } from "./log.ts";
export { reveal, Secret } from "./secret.ts";
