/** The `.env` file beside a configuration, and the variables that come of it. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fixedBounds } from "../base/index.ts";

/** Variables by name. */
export type Variables = ReadonlyMap<string, string>;

/** The text of the `.env` file in `folder`: null if there is none, or why it cannot be read. */
export async function readDotEnv(folder: string): Promise<{ readonly text: string | null; readonly problem: string | null }> {
  const path = join(folder, ".env");
  try {
    const found = await stat(path);
    // Pipes and devices may say nothing for ever, or never end.
    if (!found.isFile()) return { text: null, problem: ".env is no file" };
    if (found.size > fixedBounds.configBytesMax) return { text: null, problem: `.env is larger than ${fixedBounds.configBytesMax} bytes` };
    return { text: await readFile(path, "utf8"), problem: null };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    // Without the file, variables come from the environment alone; an unreadable one is worth a word.
    return { text: null, problem: code === "ENOENT" || code === "ENOTDIR" ? null : `.env cannot be read (${code})` };
  }
}

/** The variables that a configuration may refer to: those of `.env`, overridden by the environment. */
export function variablesOf(dotEnv: string | null, env: Readonly<Record<string, string | undefined>>): Variables {
  const variables = new Map<string, string>(Object.entries(dotEnv === null ? {} : (process.getBuiltinModule("node:util").parseEnv(dotEnv) as Record<string, string>)));
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}
