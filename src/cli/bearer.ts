/** The token that a command shows to a server, and where its state lies. */
import { resolve } from "node:path";
import { fault, readPrivateFile } from "../base/index.ts";
import { defaultStateDir } from "../config/index.ts";
import type { Occasion } from "./occasion.ts";

const tokenBytesMax = 4096;

type Around = Pick<Occasion, "settings" | "env">;

/** The folder of `--state-dir`, or the default one. */
export const stateDirOf = ({ settings, env }: Around): string => (settings.stateDir === null ? defaultStateDir(env) : resolve(settings.stateDir));

/** The token that was given; never on the command line, where every program of this machine can read it. Throws USAGE. */
export async function tokenOf({ settings, env }: Around): Promise<string | null> {
  if (settings.tokenFile === null) return env["ONE_MCP_TOKEN"] || null;
  const path = resolve(settings.tokenFile);
  const token = (await readPrivateFile(path, { bytesMax: tokenBytesMax }))?.trim() ?? "";
  if (token === "") throw fault("USAGE", { detail: `--token-file ${path} holds no token` });
  return token;
}
