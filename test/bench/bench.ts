/**
 * `bun run bench`: direct, the bare relay and the program in one run, as ratios, because only a ratio of one run says
 * anything about the code and not about the machine. Uses dist/1mcp when it has been built, else the source.
 *
 *   --quick   one short round (a look, not a measurement)   --source  the source even when there is a binary
 *   --write   writes docs/benchmarks.md                     --check   exit 1 when a target is missed
 *   --guard   only what the guard costs (with --write these rows of the page are renewed)
 *   --starts  only how long starting takes
 *   --earlier FILE   compares small calls with another build of the program too
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { projectDir } from "../fixtures/program.ts";
import { type Figures, guardText, reportOf, startRows, targetsOf, withGuard } from "./report.ts";
import { guardFigures } from "./guarded.ts";
import { type Beginnings, type Effort, type Row, beginnings, callRows, largeRow, memory, setUp, starts } from "./rows.ts";

const has = (flag: string): boolean => process.argv.includes(flag);

const effort: Effort = has("--quick") ? { rounds: 1, warmMs: 150, windowMs: 300 } : { rounds: 3, warmMs: 300, windowMs: 800 };

const guardProcesses = has("--quick") ? 1 : 4;

async function chooseProgram(): Promise<"binary" | "source"> {
  const binary = join(projectDir, "dist", "1mcp");
  if (process.env["ONE_MCP_BINARY"] === undefined && !has("--source") && (await Bun.file(binary).exists())) process.env["ONE_MCP_BINARY"] = binary;
  return process.env["ONE_MCP_BINARY"] === undefined ? "source" : "binary";
}

const earlier = has("--earlier") ? (process.argv[process.argv.indexOf("--earlier") + 1] ?? null) : null;

async function measureAll(program: "binary" | "source"): Promise<Figures> {
  const calls: Row[] = [];
  const large: Row[] = [];
  const begins: Beginnings[] = [];
  for (const backend of ["stdio", "http"] as const)
    for (const era of ["2026", "2025"] as const) {
      await using bench = await setUp(backend, era, earlier);
      calls.push(...(await callRows(bench, effort)));
      large.push(await largeRow(bench, effort));
      if (backend === "stdio") begins.push(await beginnings(bench, effort));
      console.error(`measured: ${backend} backend, client of ${era}`);
    }
  return {
    program,
    bun: Bun.version,
    machine: `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, ${process.platform} ${process.arch}`,
    calls,
    large,
    guard: await guardFigures(effort, guardProcesses),
    begins,
    starts: await starts(has("--quick") ? 5 : 20),
    memory: await memory(4000),
  };
}

const chosen = await chooseProgram();
if (has("--starts")) {
  console.log(startRows(await starts(has("--quick") ? 5 : 30)).map((row) => `| ${row.join(" | ")} |`).join("\n"));
  process.exit();
}
const page = join(projectDir, "docs", "benchmarks.md");
if (has("--guard")) {
  const guard = await guardFigures(effort, guardProcesses);
  console.log(guardText(guard));
  if (has("--write")) await writeFile(page, withGuard(await readFile(page, "utf8"), guard));
  process.exit();
}
const figures = await measureAll(chosen);
const report = reportOf(figures);
console.log(report);
if (has("--write")) {
  await mkdir(join(projectDir, "docs"), { recursive: true });
  await writeFile(page, report);
}
if (has("--check") && targetsOf(figures).some((target) => !target.met)) process.exitCode = 1;
