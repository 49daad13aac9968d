/**
 * `bun run threats`: every row of the threat table, against the source and against the binary (`ONE_MCP_BINARY`, else
 * dist/1mcp where it has been built), and a line for each that says how many attacks were tried, and how many answers
 * were as expected. `--source` and `--binary` try one of them. Exit code 1 where a row does not hold.
 */
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectDir } from "../fixtures/program.ts";
import { summaryOf, triedIn } from "./rows.ts";

async function run(what: string, binary: string | null): Promise<boolean> {
  const report = join(tmpdir(), `1mcp-threats-${process.pid}.xml`);
  const { ONE_MCP_BINARY: _, ...env } = process.env;
  const argv = [process.execPath, "test", "test/threats", "--reporter=junit", `--reporter-outfile=${report}`];
  const child = Bun.spawn(argv, { cwd: projectDir, env: { ...env, ...(binary === null ? {} : { ONE_MCP_BINARY: binary }) }, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  const code = await child.exited;
  const { text, holds } = summaryOf(what, triedIn(await readFile(report, "utf8")));
  await rm(report);
  console.log(text);
  return holds && code === 0;
}

const only = process.argv.includes("--source") ? "source" : process.argv.includes("--binary") ? "binary" : null;
const binary = process.env["ONE_MCP_BINARY"] ?? join(projectDir, "dist", "1mcp");
const hasBinary = await Bun.file(binary).exists();
const holds: boolean[] = [];
if (only !== "binary") holds.push(await run("source", null));
if (only !== "source" && hasBinary) holds.push(await run("binary", binary));
if (only !== "source" && !hasBinary) console.log("binary: not tried, there is none; make it with `bun run build`");
process.exitCode = holds.length > 0 && holds.every((held) => held) && (only !== "binary" || hasBinary) ? 0 : 1;
