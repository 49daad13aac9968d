/**
 * Runs the official conformance suite against a URL and reads its verdict. The suite needs a newer Node than some
 * machines have, so it runs under the Bun that runs this. `bun test/conformance/run.ts` prints every leg as a table.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runHttp } from "../fixtures/conformance.ts";
import { cleanEnv, projectDir, startProgram } from "../fixtures/program.ts";

/** The revisions whose frozen sets are run, each at its own wire. */
export const revisions = ["2025-11-25", "2026-07-28"] as const;
export type Revision = (typeof revisions)[number];

/** How the fixture stands behind the proxy. */
export const backends = ["http", "stdio"] as const;
export type BackendKind = (typeof backends)[number];

const suiteDir = join(projectDir, "node_modules", "@modelcontextprotocol", "conformance");
const fixturePath = join(projectDir, "test", "fixtures", "conformance.ts");

/** What one run of the suite came to. */
export interface Verdict {
  /** 0: everything passed that is not expected to fail, and nothing passed that is. */
  readonly exitCode: number;
  /** Scored scenarios that passed, and those that did not. */
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Scenarios that are run but not scored, and passed at least one check. */
  readonly unscoredPassed: readonly string[];
  readonly elapsedMs: number;
  readonly output: string;
}

/** The scored server scenarios of a revision, as the suite's own frozen file lists them. */
export async function scoredScenarios(revision: Revision): Promise<readonly string[]> {
  const file = await readFile(join(suiteDir, "requirements", `${revision}.yaml`), "utf8");
  return (Bun.YAML.parse(file) as { server: string[] }).server;
}

/** The entries of an expected-failures file. */
export async function expectedFailures(path: string): Promise<readonly string[]> {
  return (Bun.YAML.parse(await readFile(path, "utf8")) as { server: string[] | null }).server ?? [];
}

/** Runs the frozen set of a revision against `url`. */
export async function runSuite(url: string, revision: Revision, expectedPath: string): Promise<Verdict> {
  const started = performance.now();
  const argv = [join(suiteDir, "dist", "index.js"), "server", "--url", url, "--requirements", revision];
  const child = Bun.spawn([process.execPath, ...argv, "--expected-failures", expectedPath], {
    env: cleanEnv(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const results = resultsOf(stdout);
  const scored = await scoredScenarios(revision);
  return {
    exitCode,
    passed: scored.filter((name) => results.get(name)?.ok === true),
    failed: scored.filter((name) => results.get(name)?.ok !== true),
    unscoredPassed: [...results].filter(([name, result]) => !scored.includes(name) && result.ok && result.checks > 0).map(([name]) => name),
    elapsedMs: performance.now() - started,
    output: stdout + stderr,
  };
}

/** The summary's lines: a mark, the scenario, and how many checks passed. */
function resultsOf(stdout: string): Map<string, { ok: boolean; checks: number }> {
  const results = new Map<string, { ok: boolean; checks: number }>();
  for (const [, mark, name, passed] of stdout.matchAll(/^([✓✗]) (\S+): (\d+) passed, \d+ failed$/gmu))
    results.set(name!, { ok: mark === "✓", checks: Number(passed) });
  return results;
}

/** The failures that a leg is allowed; the suite itself refuses an entry that has come to pass. */
export const expectedPathOf = (backend: BackendKind | "fixture", revision: Revision): string =>
  join(import.meta.dir, "expected", `${backend}.${revision}.yaml`);

/** The fixture by itself, without a proxy. */
export async function runFixture(revision: Revision): Promise<Verdict> {
  const fixture = runHttp();
  try {
    return await runSuite(fixture.url, revision, expectedPathOf("fixture", revision));
  } finally {
    await fixture.close();
  }
}

/** The fixture behind the real program, seen through `/mcp/<server>`. */
export async function runLeg(backend: BackendKind, revision: Revision): Promise<Verdict> {
  const fixture = backend === "http" ? runHttp() : null;
  try {
    const entry = fixture === null ? { command: process.execPath, args: [fixturePath, "stdio"] } : { type: "http", url: fixture.url };
    await using program = await startProgram({ config: { mcpServers: { fixture: entry } }, auth: false });
    return await runSuite(`${program.origin}/mcp/fixture`, revision, expectedPathOf(backend, revision));
  } finally {
    await fixture?.close();
  }
}

if (import.meta.main) {
  for (const revision of revisions)
    for (const [name, run] of [["fixture", runFixture], ...backends.map((kind) => [kind, (r: Revision) => runLeg(kind, r)] as const)] as const) {
      const verdict = await run(revision);
      const scored = verdict.passed.length + verdict.failed.length;
      const line = `${revision} ${name}: ${verdict.passed.length}/${scored}, unscored +${verdict.unscoredPassed.length}, exit ${verdict.exitCode}, ${Math.round(verdict.elapsedMs)} ms`;
      console.log(verdict.failed.length === 0 ? line : `${line}\n  failed: ${verdict.failed.join(", ")}`);
      if (process.argv.includes("--verbose") && verdict.exitCode !== 0) console.log(verdict.output);
    }
}
