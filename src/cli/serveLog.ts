/**
 * The log of a server that runs in the background: what it says on its standard error, in the state folder. Nobody
 * rotates it from outside, so the server itself keeps it within a bound.
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { faultOf, openPrivateLog, readPrivateTail, setAside, sizeBehind } from "../base/index.ts";
import type { Output } from "./terminal.ts";

export const serveLogPath = (stateDir: string): string => join(stateDir, "serve.log");
const keptPath = (stateDir: string): string => `${serveLogPath(stateDir)}.1`;

const standardError = 2;

/** Opens the log for a server that is to be started; what earlier ones said stays, within the bound. Throws STATE_UNSAFE, STATE_UNWRITABLE. */
export async function openServeLog(stateDir: string, bytesMax: number) {
  const file = await openPrivateLog(serveLogPath(stateDir));
  if ((await file.stat()).size >= bytesMax) setAside(serveLogPath(stateDir), keptPath(stateDir));
  return file;
}

/** How long the log is now; 0 where there is none. */
export const serveLogSize = (stateDir: string): Promise<number> => lstat(serveLogPath(stateDir)).then(({ size }) => size, () => 0);

/** The last lines of what was said since the log was so long: what an earlier server said would be taken for this one's. Throws STATE_UNSAFE. */
export async function serveLogSince(stateDir: string, size: number): Promise<readonly string[]> {
  const now = await serveLogSize(stateDir);
  // The end of the line before is read too, since a tail begins behind one. A shorter log was begun anew.
  const more = now < size ? tailBytes : Math.min(tailBytes, now - size + 1);
  const text = ((await readPrivateTail(serveLogPath(stateDir), more)) ?? "").trim();
  return now === size || text === "" ? [] : text.split("\n").slice(-tailLines);
}

const tailBytes = 4096;
const tailLines = 10;

/** Takes log lines of a server. Where they go to the log of the state folder, that is emptied when it is full, and what was in it kept once. */
export function serveLogWriter(output: Output, stateDir: string, bytesMax: number, descriptor = standardError): (line: string) => void {
  const path = serveLogPath(stateDir);
  const found = sizeBehind(descriptor, path);
  if (found === null) return (line) => output.write(`${line}\n`);
  let bytes = found;
  return (line) => {
    const text = `${line}\n`;
    const size = Buffer.byteLength(text);
    if (bytes > 0 && bytes + size > bytesMax) bytes = emptied(output, path, keptPath(stateDir));
    bytes += size;
    output.write(text);
  };
}

function emptied(output: Output, path: string, kept: string): number {
  try {
    setAside(path, kept);
  } catch (thrown) {
    // A log that cannot be kept is no reason to end; whoever looks at it next reads why.
    output.write(`the log before this line could not be kept: ${faultOf(thrown).message}\n`);
  }
  return 0;
}
