/** Hub: the running proxy: the current snapshot, what each method does, and how a new snapshot is made. */
export { createHub, type HubOptions } from "./hub.ts";
export { patient, type PatienceOptions } from "./patience.ts";
export { createMemory, type Memory, type MemoryOptions } from "./remember.ts";
export type { Hub, HubStatus } from "./types.ts";
