/** What `serve` is to do: be the server, or see to the one of the state folder. Neither loads what only the other needs. */
import { existsSync } from "node:fs";
import { fault } from "../base/index.ts";
import { defaultConfigPath } from "../config/index.ts";
import { type LifecycleVerb, lifecycleVerbs } from "./flags.ts";
import type { Occasion, Run } from "./occasion.ts";

/** Serves, or does what was asked for with the server. Throws USAGE for two such flags at once. */
export const served: Run = async (occasion) => {
  const verb = verbOf(occasion);
  if (verb !== null) return (await import("./lifecycle.ts")).lifecycle(occasion, verb);
  if (await isFirstRun(occasion)) await (await import("./wizard.ts")).firstRun(occasion);
  return (await import("./serve.ts")).serve(occasion);
};

function verbOf({ given }: Pick<Occasion, "given">): LifecycleVerb | null {
  const [first = null, another] = lifecycleVerbs.filter((verb) => given.has(verb));
  if (another !== undefined) throw fault("USAGE", { detail: `--${first} and --${another} are given`, hint: "give only one of them" });
  return first;
}

/** Somebody is there to be asked, and nothing was ever configured. Never in a pipe, nor where a file was named. */
async function isFirstRun({ settings, env, stderr, pipes }: Occasion): Promise<boolean> {
  if (settings.config !== null || settings.stdio || existsSync(defaultConfigPath(env))) return false;
  return (await stderr.isTerminal()) && ((await pipes().typist?.()) ?? null) !== null;
}
