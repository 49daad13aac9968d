/** Base: the words every room may use, knowing nothing of MCP. */
export { type Addresses, addressesOf, isAddress, isAddressRange } from "./address.ts";
export { type Cancel, CancelSource } from "./cancel.ts";
export { type Clock, sleep, systemClock, type Timer } from "./clock.ts";
export { createEgress, type Egress, type EgressInit, type EgressOptions, type EgressReply } from "./egress.ts";
export { Fault, type FaultCode, type FaultDetail, type FaultRow, fault, faultOf, faults } from "./errors.ts";
export { createPrivateFile, ensurePrivateDir, openPrivateLog, readPrivateFile, removeFile, setAside, sizeBehind, writeFileAtomic } from "./files.ts";
export { fingerprint } from "./fingerprint.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { createLog, escapeControls, type Log, type LogFields, type LogLevelName, type LogOptions, logLevelNames, nullLog } from "./log.ts";
export { nearestOf } from "./nearest.ts";
export { type ChunkQueue, createChunkQueue, createQueue, type Queue, singleFlight } from "./queue.ts";
export { createKnownSecrets, type KnownSecrets, reveal, Secret } from "./secret.ts";
