/** Hub: the running proxy. */
export type { Hub, HubStatus } from "./types.ts";
