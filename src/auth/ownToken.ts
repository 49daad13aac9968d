/**
 * The operator's own token: made at the first start, it lies in the state folder, where its owner alone can read it, and
 * opens everything to the programs of the same user. No database is needed for it, and none has it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createPrivateFile, ensurePrivateDir, fault, type Log, readPrivateFile, writeFileAtomic } from "../base/index.ts";
import { createSecret, type Random } from "./tokens.ts";

/** Of today's shape, or as it was before there was a checksum. */
const shape = /^1mcp_[0-9A-Za-z]{43}(?:[0-9A-Za-z]{6})?$/;

/** Where it lies. */
export const ownTokenPath = (stateDir: string): string => join(stateDir, "token");

/** The token of this installation, for a program of the same user; null if none was made yet. Throws STATE_UNSAFE, STATE_BROKEN. */
export async function ownToken(stateDir: string): Promise<string | null> {
  const path = ownTokenPath(stateDir);
  const text = (await readPrivateFile(path, { bytesMax: 4096 }))?.trim() ?? null;
  if (text !== null && !shape.test(text)) throw fault("STATE_BROKEN", { op: "read", detail: `${path} holds no token` });
  return text;
}

/** The token, made if there is none. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function ensureOwnToken(stateDir: string, random: Random, log: Log): Promise<string> {
  await ensurePrivateDir(stateDir);
  const found = await ownToken(stateDir);
  if (found !== null) return found;
  const fresh = createSecret(random);
  const made = await createPrivateFile(ownTokenPath(stateDir), `${fresh}\n`);
  if (made) log.info("a bearer token was made", { path: ownTokenPath(stateDir) });
  // Another process that starts at the same moment may have been first; then its token counts.
  return made ? fresh : ensureOwnToken(stateDir, random, log);
}

/** The token of a file that somebody else keeps (a container's secret), as the one of this installation. Throws CONFIG_INVALID, STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function adoptOwnToken(stateDir: string, path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fault("CONFIG_INVALID", { detail: `the token file ${path} cannot be read`, hint: "check the path and its permissions", cause });
  });
  const token = text.trim();
  if (!shape.test(token)) throw fault("CONFIG_INVALID", { detail: `${path} holds no token`, hint: "`1mcp token create` makes one, with any state folder" });
  await ensurePrivateDir(stateDir);
  // Programs of the same user find it where they always do.
  if ((await ownToken(stateDir)) !== token) await replaceOwnToken(stateDir, token);
  return token;
}

/** Puts another token in its place. Throws STATE_UNWRITABLE. */
export const replaceOwnToken = (stateDir: string, token: string): Promise<void> => writeFileAtomic(ownTokenPath(stateDir), `${token}\n`);
