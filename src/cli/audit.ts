/**
 * `audit` and `audit verify`: the audit log, from its files, whether or not a server runs. A line for a person is one line
 * whatever is in it; with `--json` lines are as they were written.
 */
import { resolve } from "node:path";
import { auditPaths, ChainCheck, defaultLimits, escapeControls, fault, fixedBounds, parseAuditLine, readPrivateFile } from "../base/index.ts";
import { type Config, loadConfig } from "../config/index.ts";
import { configPathOf, stateDirOf } from "./configPath.ts";
import { sinceOf } from "./flags.ts";
import type { Occasion, Run } from "./occasion.ts";

/** Findings that are printed one by one. */
const findingsMax = 20;

/** Prints what happened since then, the oldest first. Throws STATE_UNSAFE, STATE_BROKEN, CONFIG_INVALID. */
export const audit: Run = async (occasion) => {
  const { settings, clock, stdout } = occasion;
  const since = settings.since === null ? 0 : (sinceOf(settings.since, clock.now()) ?? 0);
  for await (const { lines } of filesOf(occasion)) {
    const shown = lines.flatMap((line) => textOf(line, since, settings.json));
    stdout.write(shown.join(""));
    // Files can be large, and what reads us slow.
    await stdout.flush();
  }
  return 0;
};

/** Follows the chain through all files. Gives 0 where it is whole, 1 where it is not. Throws as `audit` does. */
export const verify: Run = async (occasion) => {
  const { stdout, stderr } = occasion;
  const check = new ChainCheck();
  let [wrong, files] = [0, 0];
  for await (const { path, lines } of filesOf(occasion)) {
    files += 1;
    for (const [index, line] of lines.entries()) {
      const found = check.take(line);
      if (found === null) continue;
      wrong += 1;
      if (wrong <= findingsMax) stderr.write(`${escapeControls(`${path}:${index + 1}: ${found}`)}\n`);
    }
  }
  if (wrong > findingsMax) stderr.write(`and ${wrong - findingsMax} more\n`);
  stdout.write(`${check.lines} lines in ${files} ${files === 1 ? "file" : "files"} fit together${wrong === 0 ? "" : `, ${wrong} do not`}\n`);
  return wrong === 0 ? 0 : 1;
};

/** The files that are there, the oldest first. */
async function* filesOf(occasion: Occasion): AsyncGenerator<{ readonly path: string; readonly lines: readonly string[] }> {
  const { file, bytesMax, filesMax } = await auditConfigOf(occasion);
  if (file === null) throw fault("USAGE", { detail: "the configuration keeps no audit log", hint: "set audit.file" });
  for (const path of auditPaths(resolve(stateDirOf(occasion), file), filesMax).toReversed()) {
    // It is put aside once it is larger, so by the last lines it may be.
    const text = await readPrivateFile(path, { bytesMax: bytesMax + fixedBounds.stateBytesMax });
    if (text !== null) yield { path, lines: text.split("\n").filter((line) => line !== "") };
  }
}

// Who has no configuration, or one that cannot be used now, has the log where it usually is.
async function auditConfigOf(occasion: Occasion): Promise<Config["audit"]> {
  const loaded = await loadConfig({ path: configPathOf(occasion), env: occasion.env });
  return loaded.ok ? loaded.config.audit : { file: "audit.log", bytesMax: defaultLimits.auditBytesMax, filesMax: defaultLimits.auditFilesMax, calls: true };
}

function textOf(line: string, since: number, asJson: boolean): string[] {
  const read = parseAuditLine(line);
  if (read === null) return asJson ? [] : [`? ${escapeControls(line)}\n`];
  if (Date.parse(read.t) < since) return [];
  if (asJson) return [`${escapeControls(line)}\n`];
  const rest = Object.entries(read.fields).filter(([name]) => !["v", "t", "id", "ev", "prev"].includes(name));
  return [`${escapeControls([read.t, read.ev.padEnd(18), ...rest.map(([name, value]) => `${name}=${shown(value)}`)].join(" "))}\n`];
}

const shown = (value: unknown): string => (typeof value === "string" && !/[\s"=]|^$/.test(value) ? value : JSON.stringify(value));
