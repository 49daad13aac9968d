/** Base: the words every room may use, knowing nothing of MCP. */
export { type Addresses, addressesOf, isAddress, isAddressRange } from "./address.ts";
export { type CallIds, createCallIds } from "./callIds.ts";
export { type Cancel, CancelSource } from "./cancel.ts";
export { type Charge, chargeText, chargeVariable, doneLine, lostLine, parseCharge, Roll, tookLine } from "./charge.ts";
export { type Clock, sleep, systemClock, type Timer } from "./clock.ts";
export { createEgress, type Egress, type EgressInit, type EgressOptions, type EgressReply } from "./egress.ts";
export { Fault, type FaultCode, type FaultDetail, type FaultRow, fault, faultOf, faults } from "./errors.ts";
export { createPrivateFile, ensurePrivateDir, readPrivateFile, removeFile, writeFileAtomic } from "./files.ts";
export { fingerprint } from "./fingerprint.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { createLog, escapeControls, type Log, type LogFields, type LogLevelName, type LogOptions, logLevelNames, nullLog } from "./log.ts";
export { type Counter, createMeter, type Family, type Format, formatTypes, type Histogram, type Meter, type Reading } from "./meter.ts";
export { nearestOf } from "./nearest.ts";
export { allProcesses, bootOf, type Seen, startOf } from "./processes.ts";
export { type ChunkQueue, createChunkQueue, createQueue, type Queue, singleFlight } from "./queue.ts";
export { endTree, type Kin, reap, type Reaped } from "./reap.ts";
export { createKnownSecrets, type KnownSecrets, reveal, Secret } from "./secret.ts";
export { markVariable, startSelf } from "./spawn.ts";
