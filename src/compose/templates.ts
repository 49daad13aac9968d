/**
 * The project's own servers, beside a bridge. They run here and not at the other end, so that what a project says of
 * itself leaves this process for nobody but the servers whose templates ask for it.
 */
import { existsSync } from "node:fs";
import type { Log } from "../base/index.ts";
import { selectorOf } from "../catalog/index.ts";
import { type BackendSpec, loadConfig } from "../config/index.ts";
import type { BridgeOptions } from "./options.ts";

/** The templates that run, filled in. A configuration that cannot be used takes nobody the bridge: it is told, and none of them runs. */
export async function filledIn({ project = null, filter, env }: Pick<BridgeOptions, "project" | "filter" | "env">, log: Log): Promise<readonly BackendSpec[]> {
  if (project === null || !existsSync(project.configPath)) return [];
  const loaded = await loadConfig({ path: project.configPath, env, context: project.context });
  if (!loaded.ok) {
    log.warn("templates do not run: the configuration cannot be used", { path: project.configPath, issues: loaded.issues.length, reason: loaded.issues[0]?.message ?? null, hint: "`1mcp config check` says all that is wrong with it" });
    return [];
  }
  const { backends, presets } = loaded.config;
  const selects = filter ? selectorOf(filter, presets) : () => true;
  return backends.filter((spec) => spec.isFilled === true && !spec.disabled && selects({ name: spec.name, tags: spec.tags, info: null, own: nothingYet }));
}

const nothingYet = Object.freeze({ tools: [], prompts: [], resources: [], templates: [] });
