/**
 * `bun run soak [TRIAL…]`: the program under trouble that lasts, from outside, as one table. Uses dist/1mcp when it has
 * been built, else the source. Linux alone, since it looks at processes through /proc.
 *
 *   --minutes N  how long the mixed load lasts (2)    --write  writes docs/soak.md    --source  the source in any case
 *
 * Exits with 1 when something did not hold.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { projectDir } from "../fixtures/program.ts";
import { ending } from "./ending.ts";
import { mixed } from "./mixed.ts";
import { recovery } from "./recovery.ts";
import { rewriting } from "./rewriting.ts";
import { streams } from "./streams.ts";
import { trouble } from "./trouble.ts";
import type { Finding, Trial } from "./trials.ts";

const trials: readonly Trial[] = Object.freeze([recovery, trouble, rewriting, streams, ending, mixed]);

const words = process.argv.slice(2);
const has = (flag: string): boolean => words.includes(flag);
const minutes = has("--minutes") ? Number(words[words.indexOf("--minutes") + 1]) : 2;
const named = trials.filter(({ name }) => words.includes(name));

const binary = join(projectDir, "dist", "1mcp");
if (process.env["ONE_MCP_BINARY"] === undefined && !has("--source") && (await Bun.file(binary).exists())) process.env["ONE_MCP_BINARY"] = binary;

const tableOf = (findings: readonly Finding[]): string =>
  ["| what | wanted | seen |  |", "| --- | --- | --- | --- |", ...findings.map(({ what, wanted, got, met }) => `| ${what} | ${wanted} | ${got} | ${wanted === "" ? "" : met ? "held" : "**not held**"} |`)].join("\n");

const pagePath = join(projectDir, "docs", "soak.md");
/** What the page says already, a part for each trial: one that is not run now keeps what it came to. */
const parts = new Map(trials.map(({ name }) => [name, ""]));
for (const part of (await Bun.file(pagePath).text().catch(() => "")).split(/^(?=## )/mu)) {
  const name = /^## (\w+)/u.exec(part)?.[1] ?? "";
  if (parts.has(name)) parts.set(name, `${part.trimEnd()}\n`);
}
let held = true;
for (const trial of named.length > 0 ? named : trials) {
  const findings = await trial.run(minutes);
  held &&= findings.every(({ met }) => met);
  const part = `## ${trial.name}\n\n${trial.about[0]!.toUpperCase()}${trial.about.slice(1)}.\n\n${tableOf(findings)}\n`;
  console.log(part);
  parts.set(trial.name, part);
}
const page = `# Soaks

Written by \`bun run soak --write\`, which renews the parts that it runs: trouble that lasts, seen from outside, on one machine (${cpus().length} cores, ${process.platform} ${process.arch}; Bun ${Bun.version};
the program as ${process.env["ONE_MCP_BINARY"] === undefined ? "source" : "binary"}).

${[...parts.values()].filter((part) => part !== "").join("\n")}`;
if (has("--write")) await writeFile(pagePath, page);
process.exitCode = held ? 0 : 1;
