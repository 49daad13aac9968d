/** Config: from one JSON file to one frozen Config. */
export type { BackendSpec, Config, Issue, Loaded, RemoteSpec, StdioSpec } from "./types.ts";
