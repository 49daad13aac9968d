/**
 * What the system knows of processes, as far as it takes to tell whose they are. A process number alone proves nothing,
 * since numbers are given anew: it counts together with the time of its start, or with the mark in its environment. Linux
 * tells all of it in /proc. Elsewhere `ps` (macOS) or PowerShell (Windows) gives numbers, groups and times, and no marks.
 */
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { markVariable, outputOf } from "./spawn.ts";

/** One process that runs. What is dead and merely waits to be collected is none. */
export interface Seen {
  readonly pid: number;
  /** When it started, in the system's own measure; grows within one boot. */
  readonly start: number;
  readonly group: number;
  /** 0 where the system does not tell. */
  readonly session: number;
  /** Whose child it is, by its environment; null where that says nothing or cannot be read. */
  readonly mark: string | null;
}

/** All processes, at one moment and a little. `since`: a start before which nobody's mark is of interest. Throws where the system does not tell. */
export async function allProcesses(since: number, platform: string = process.platform): Promise<readonly Seen[]> {
  return platform === "linux" ? fromProc(since) : rowsOf(await outputOf(platform === "win32" ? windowsArgv : psArgv));
}

// Of its first thread, which started with it: an emulator of processors answers for the kernel what a process asks about
// itself by the shorter path, with another start than all others see.
const statPath = (pid: number | string): string => `/proc/${pid}/task/${pid}/stat`;

/** When a process started, or null: there is none of that number, or this system does not say so at once. */
export function startOf(pid: number): number | null {
  try {
    return statOf(readFileSync(statPath(pid), "latin1")).start;
  } catch {
    return null;
  }
}

/** The same of one that has not ended: what is dead and merely waits to be collected has no start. */
export function startOfLiving(pid: number): number | null {
  try {
    const { isDead, start } = statOf(readFileSync(statPath(pid), "latin1"));
    return isDead ? null : start;
  } catch {
    return null;
  }
}

/** Tells one boot of one machine from another, where times of start count from the boot; else the empty text. */
export async function bootOf(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim();
  } catch {
    return "";
  }
}

// ---- Linux -------------------------------------------------------------------------------------------------------

async function fromProc(since: number): Promise<readonly Seen[]> {
  const found: Seen[] = [];
  // One after the other: who is asked for this has other things to do meanwhile.
  for (const name of await readdir("/proc")) {
    const seen = /^\d+$/.test(name) ? await oneOf(name, since) : null;
    if (seen !== null) found.push(seen);
  }
  return found;
}

async function oneOf(pid: string, since: number): Promise<Seen | null> {
  try {
    const { isDead, ...stat } = statOf(await readFile(statPath(pid), "latin1"));
    if (isDead) return null;
    return { pid: Number(pid), ...stat, mark: stat.start < since ? null : await markOf(pid) };
  } catch {
    // It has gone while we looked.
    return null;
  }
}

// The name of the program stands in parentheses and may hold anything; then come state, parent, group, session, ….
function statOf(text: string): Pick<Seen, "start" | "group" | "session"> & { readonly isDead: boolean } {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { isDead: fields[0] === "Z" || fields[0] === "X", group: Number(fields[2]), session: Number(fields[3]), start: Number(fields[19]) };
}

async function markOf(pid: string): Promise<string | null> {
  // Another user's cannot be read, and is none of ours.
  const text = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  const found = text.split("\0").find((one) => one.startsWith(`${markVariable}=`));
  return found?.slice(markVariable.length + 1) ?? null;
}

// ---- others ------------------------------------------------------------------------------------------------------

// Dates in one language, whatever the user's.
const psArgv = Object.freeze(["/usr/bin/env", "LC_ALL=C", "ps", "-axo", "pid=,pgid=,stat=,lstart="]);
// Windows has no groups: each process is its own.
const windowsArgv = Object.freeze([
  ...["powershell", "-NoProfile", "-NonInteractive", "-Command"],
  'Get-CimInstance Win32_Process | Where-Object CreationDate | ForEach-Object { "$($_.ProcessId) $($_.ProcessId) R $($_.CreationDate.ToUniversalTime().ToString("o"))" }',
]);

const rowsOf = (text: string): readonly Seen[] =>
  [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S.*)$/gmu)]
    .filter(([, , , state = ""]) => !state.startsWith("Z"))
    .map(([, pid, group, , started = ""]) => ({ pid: Number(pid), group: Number(group), start: Date.parse(started), session: 0, mark: null }));
