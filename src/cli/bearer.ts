/** The token that a command shows to a server. */
import { resolve } from "node:path";
import { fault, readPrivateFile } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";

const tokenBytesMax = 4096;

/** The token that was given; never on the command line, where every program of this machine can read it. Throws USAGE. */
export async function tokenOf({ settings, env }: Pick<Occasion, "settings" | "env">): Promise<string | null> {
  if (settings.tokenFile === null) return env["ONE_MCP_TOKEN"] || null;
  const path = resolve(settings.tokenFile);
  const token = (await readPrivateFile(path, { bytesMax: tokenBytesMax }))?.trim() ?? "";
  if (token === "") throw fault("USAGE", { detail: `--token-file ${path} holds no token` });
  return token;
}
