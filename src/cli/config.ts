/** `config check` and `config schema`. */
import { resolve } from "node:path";
import { fault } from "../base/index.ts";
import { configJsonSchema, defaultConfigPath, loadConfig } from "../config/index.ts";
import type { Run } from "./occasion.ts";
import { issueText } from "./print.ts";

/** Reads the configuration as `serve` would, and looks for the programs without starting any. Issues go to standard error; throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export const check: Run = async ({ settings, env, stdout, stderr }) => {
  const path = settings.config === null ? defaultConfigPath(env) : resolve(settings.config);
  const loaded = await loadConfig({ path, env, findPrograms: true });
  if (!loaded.ok) {
    for (const issue of loaded.issues) stderr.write(issueText(path, issue));
    throw fault(loaded.hash === null ? "CONFIG_UNREADABLE" : "CONFIG_INVALID", { detail: path });
  }
  for (const warning of loaded.warnings) stderr.write(issueText(path, warning));
  const { backends } = loaded.config;
  const off = backends.filter((spec) => spec.disabled).length;
  const withIssues = new Set(loaded.warnings.map((warning) => warning.server));
  const out = backends.filter((spec) => !spec.disabled && withIssues.has(spec.name)).length;
  const parts = [`${backends.length - off - out} usable`, ...(out > 0 ? [`${out} put out`] : []), ...(off > 0 ? [`${off} disabled`] : [])];
  stdout.write(`${path} is valid; servers: ${parts.join(", ")}\n`);
  return 0;
};

/** Prints the JSON Schema of a configuration. */
export const schema: Run = async ({ stdout }) => {
  stdout.write(`${JSON.stringify(await configJsonSchema(), null, 2)}\n`);
  return 0;
};
