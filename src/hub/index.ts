/** Hub: the running proxy: the current snapshot, what each method does, and how a new snapshot is made. */
export { createHub, type HubOptions } from "./hub.ts";
export { openTracing, type Tracing } from "./openTracing.ts";
export { patient, type PatienceOptions } from "./patience.ts";
export { createMemory, type Memory, type MemoryOptions } from "./remember.ts";
export { type Reloaded, reloadedOf } from "./change.ts";
export { type About, type Health, healthOf, type McpHealth, mcpHealthOf, type Report, reportOf, type ServerFacts, serverFactsOf } from "./health.ts";
export { createPinFiles, type PinFiles } from "./pinned.ts";
export { type Review, Trust, type TrustOptions } from "./trust.ts";
export type { Change, Hub, HubStatus } from "./types.ts";
