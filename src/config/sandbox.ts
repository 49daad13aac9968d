/** How far a program is confined, from what its entry says; the system's part is the backend room's. */
import { resolve } from "node:path";
import type { StdioEntry } from "./schema.ts";

/** The confinement of one program. Bounds are null where there is none beyond the system's. */
export interface Sandbox {
  readonly level: "off" | "basic" | "fs" | "strict";
  /** It is not started with less. */
  readonly required: boolean;
  /** Absolute paths that it may read besides the system's. */
  readonly read: readonly string[];
  /** Absolute paths that it may change besides its own folder. */
  readonly write: readonly string[];
  readonly bounds: {
    readonly memoryBytes: number | null;
    readonly cpuSeconds: number | null;
    readonly processes: number | null;
    readonly openFiles: number;
    readonly fileBytes: number;
  };
}

const mebibyte = 2 ** 20;
// More than any honest server needs, and a bound to what another one can take.
const openFilesMax = 65_536;
const fileMbMax = 65_536;

/** Reads it; `read` puts the variables into one path, which stands at `key` and `index`. */
export function sandboxOf(written: StdioEntry["sandbox"], folder: string, read: (path: string, key: "read" | "write", index: number) => string): Sandbox {
  const entry = typeof written === "string" ? { level: written } : (written ?? {});
  const paths = (key: "read" | "write"): readonly string[] => Object.freeze((entry[key] ?? []).map((path, index) => resolve(folder, read(path, key, index))));
  return Object.freeze({
    level: entry.level ?? "basic",
    required: entry.required ?? false,
    read: paths("read"),
    write: paths("write"),
    bounds: Object.freeze({
      memoryBytes: bytesOf(entry.memoryMb),
      cpuSeconds: entry.cpuSeconds ?? null,
      processes: entry.processes ?? null,
      openFiles: entry.openFiles ?? openFilesMax,
      fileBytes: (entry.fileMb ?? fileMbMax) * mebibyte,
    }),
  });
}

const bytesOf = (mb: number | undefined): number | null => (mb === undefined ? null : mb * mebibyte);
