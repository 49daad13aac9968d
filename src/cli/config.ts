/** `config check`, `config schema` and `config reload`. */
import { fault } from "../base/index.ts";
import type { Reloaded } from "../compose/index.ts";
import { configJsonSchema, loadConfig } from "../config/index.ts";
import { configPathOf } from "./configPath.ts";
import type { Run } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { changeText, issueText } from "./print.ts";

/** Reads the configuration as `serve` would, and looks for the programs without starting any. Issues go to standard error; throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export const check: Run = async ({ settings, env, stdout, stderr }) => {
  const path = configPathOf({ settings, env });
  const loaded = await loadConfig({ path, env, findPrograms: true, strictSecrets: settings.strictSecrets });
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

/**
 * Has the running server look at its configuration now, waits, and says what became of each server. Issues go to standard
 * error. Throws SERVER_AWAY, CONFIG_INVALID.
 */
export const reload: Run = async (occasion) => {
  const asked = await askOperator<Reloaded>(occasion, "POST", "/reload");
  if (asked.kind !== "answer") throw fault("SERVER_AWAY", asked.kind === "none" ? {} : { detail: asked.why, hint: "try again in a moment" });
  const { result, path, issues, reason } = asked.value;
  for (const issue of issues) occasion.stderr.write(issueText(path ?? "configuration", issue));
  if (result === "rejected") throw fault("CONFIG_INVALID", { detail: `${path}; the running configuration goes on` });
  occasion.stdout.write(changeText(asked.value));
  if (result === "failed") occasion.stderr.write(`1mcp: it could not be put in place, the running one goes on: ${reason}\n`);
  return result === "failed" ? 1 : 0;
};
