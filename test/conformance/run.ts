/**
 * Runs the official conformance suite and reads its verdict: its server scenarios against a URL, its client scenarios
 * against a command. The suite needs a newer Node than some machines have, so it runs under the Bun that runs this.
 * `bun test/conformance/run.ts` prints every leg as a table, `--verbose` with what the suite says where one is red.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { approveAt } from "../fixtures/approver.ts";
import { type Speaks, runHttp } from "../fixtures/conformance.ts";
import { cleanEnv, projectDir, startProgram } from "../fixtures/program.ts";

/** The revisions whose sets are run, each at its own wire. The suite has frozen the two newer ones. */
export const revisions = ["2025-06-18", "2025-11-25", "2026-07-28"] as const;
export type Revision = (typeof revisions)[number];

/** How the fixture stands behind the proxy. */
export const backends = ["http", "stdio"] as const;
export type BackendKind = (typeof backends)[number];

/** The two where only the era differs: what the suite speaks, and all that the server behind speaks. */
export const crossings = [
  { revision: "2026-07-28", speaks: "legacy" },
  { revision: "2025-11-25", speaks: "modern" },
] as const;

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

/** Runs the suite to its end. */
async function runSuite(argv: readonly string[]): Promise<{ exitCode: number; stdout: string; output: string; elapsedMs: number }> {
  const started = performance.now();
  const child = Bun.spawn([process.execPath, join(suiteDir, "dist", "index.js"), ...argv], { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { exitCode, stdout, output: stdout + stderr, elapsedMs: performance.now() - started };
}

/** The scored server scenarios of a revision: the suite's own frozen file, or ours where the suite has frozen none. */
export async function scoredScenarios(revision: Revision): Promise<readonly string[]> {
  const dir = revision === "2025-06-18" ? join(import.meta.dir, "requirements") : join(suiteDir, "requirements");
  return (Bun.YAML.parse(await readFile(join(dir, `${revision}.yaml`), "utf8")) as { server: string[] }).server;
}

/** The scenarios that are run but not scored, and that a server without the tasks extension can pass. */
export const unscoredScenarios: Readonly<Record<Revision, readonly string[]>> = Object.freeze({
  "2025-06-18": [],
  "2025-11-25": ["server-session-lifecycle", "json-schema-2020-12", "server-sse-polling"],
  "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
});

/** The entries of an expected-failures file. */
export async function expectedFailures(path: string): Promise<readonly string[]> {
  return (Bun.YAML.parse(await readFile(path, "utf8")) as { server: string[] | null }).server ?? [];
}

const setOf = (revision: Revision): readonly string[] => (revision === "2025-06-18" ? ["--suite", "all", "--spec-version", revision] : ["--requirements", revision]);

/** Runs the set of a revision against `url`. */
async function runServerSet(url: string, revision: Revision, expectedPath: string): Promise<Verdict> {
  const { exitCode, stdout, output, elapsedMs } = await runSuite(["server", "--url", url, ...setOf(revision), "--expected-failures", expectedPath]);
  const results = resultsOf(stdout);
  const scored = await scoredScenarios(revision);
  return {
    exitCode,
    passed: scored.filter((name) => results.get(name)?.ok === true),
    failed: scored.filter((name) => results.get(name)?.ok !== true),
    unscoredPassed: [...results].filter(([name, result]) => !scored.includes(name) && result.ok && result.checks > 0).map(([name]) => name),
    elapsedMs,
    output,
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
export const expectedPathOf = (leg: BackendKind | "fixture" | `crossed.${BackendKind}`, revision: Revision): string =>
  join(import.meta.dir, "expected", `${leg}.${revision}.yaml`);

/** The fixture by itself, without a proxy. */
export async function runFixture(revision: Revision): Promise<Verdict> {
  const fixture = runHttp();
  try {
    return await runServerSet(fixture.url, revision, expectedPathOf("fixture", revision));
  } finally {
    await fixture.close();
  }
}

/** The fixture behind the real program, seen through `/mcp/<server>`. */
export async function runLeg(backend: BackendKind, revision: Revision, speaks: Speaks = "both"): Promise<Verdict> {
  const fixture = backend === "http" ? runHttp(speaks) : null;
  try {
    const entry = fixture === null ? { command: process.execPath, args: [fixturePath, "stdio", speaks] } : { type: "http", url: fixture.url };
    await using program = await startProgram({ config: { mcpServers: { fixture: entry } }, auth: false });
    return await runServerSet(`${program.origin}/mcp/fixture`, revision, expectedPathOf(speaks === "both" ? backend : `crossed.${backend}`, revision));
  } finally {
    await fixture?.close();
  }
}

/** The suite's client scenarios beside authorization, by the revision whose wire they are run at. */
export const clientScenarios = Object.freeze({
  "2025-06-18": ["initialize", "tools_call"],
  "2025-11-25": ["initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry", "json-schema-2020-12-preservation"],
  "2026-07-28": [
    "tools_call",
    "request-metadata",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
    "json-schema-2020-12-preservation",
  ],
} as const satisfies Record<Revision, readonly string[]>);

const loginScenarios = Object.freeze([
  "auth/metadata-default",
  "auth/metadata-var1",
  "auth/metadata-var2",
  "auth/metadata-var3",
  "auth/basic-cimd",
  "auth/scope-from-www-authenticate",
  "auth/scope-from-scopes-supported",
  "auth/scope-omitted-when-undefined",
  "auth/scope-step-up",
  "auth/scope-retry-limit",
  "auth/pre-registration",
] as const);
const tokenScenarios = Object.freeze(["auth/token-endpoint-auth-basic", "auth/token-endpoint-auth-post", "auth/token-endpoint-auth-none"] as const);

/** Those of authorization, where the proxy logs in at the suite's server. */
export const loginClientScenarios = Object.freeze({
  "2025-03-26": ["auth/2025-03-26-oauth-metadata-backcompat", "auth/2025-03-26-oauth-endpoint-fallback"],
  "2025-06-18": tokenScenarios,
  "2025-11-25": [...loginScenarios, ...tokenScenarios],
  "2026-07-28": [
    ...loginScenarios,
    ...tokenScenarios,
    "auth/resource-mismatch",
    "auth/offline-access-scope",
    "auth/offline-access-not-supported",
    "auth/authorization-server-migration",
    "auth/iss-supported",
    "auth/iss-not-advertised",
    "auth/iss-supported-missing",
    "auth/iss-wrong-issuer",
    "auth/iss-unexpected",
    "auth/iss-normalized",
    "auth/metadata-issuer-mismatch",
  ],
} as const satisfies Record<Revision | "2025-03-26", readonly string[]>);

/** Authorization by extensions: what a client does that needs nobody. Of the others the suite's are not ours (yet). */
export const loginExtensionScenarios = Object.freeze(["auth/client-credentials-jwt", "auth/client-credentials-basic"]);

/** The client scenarios that a revision requires, by the suite's own frozen file. */
export async function requiredClientScenarios(revision: "2025-11-25" | "2026-07-28"): Promise<readonly string[]> {
  return (Bun.YAML.parse(await readFile(join(suiteDir, "requirements", `${revision}.yaml`), "utf8")) as { client: string[] }).client;
}

/** Those of extensions, which belong to no revision's set. */
export const extensionClientScenarios = Object.freeze(["sep-2640-client-no-prefetch", "sep-2640-client-verify-digest", "sep-2640-client-verify-size", "sep-2640-client-verify-frontmatter"]);

/** Every client scenario of the suite, by its revisions: none for those of extensions. */
export async function suiteClientScenarios(): Promise<Map<string, readonly string[]>> {
  const { stdout } = await runSuite(["list"]);
  const [, section = ""] = /^Client scenarios[^\n]*\n((?: +- .*\n)+)/mu.exec(stdout) ?? [];
  const lines = [...section.matchAll(/- (\S+) \[(.*)\]/gu)];
  return new Map(lines.map(([, name = "", tags = ""]) => [name, tags.split(",").filter((tag) => tag !== "extension")]));
}

/** One client scenario, with the proxy as the client: the suite starts the wrapper, which starts the program. */
export async function runClientScenario(scenario: string, revision: Revision | "2025-03-26"): Promise<{ exitCode: number; passed: number; failed: readonly string[]; output: string; elapsedMs: number }> {
  const command = `${process.execPath} ${join(projectDir, "test", "fixtures", "conformanceClient.ts")}`;
  const { exitCode, stdout, output, elapsedMs } = await runSuite(["client", "--command", command, "--scenario", scenario, "--spec-version", revision, "--force", "--verbose"]);
  return { exitCode, ...countOf(stdout), output, elapsedMs };
}

/** How many checks of a client scenario passed, and what failed, in the suite's own words, warnings included: what a client should do. */
function countOf(stdout: string): { passed: number; failed: string[] } {
  // The checks are all that it prints on stdout when it is verbose.
  const checks = JSON.parse(stdout) as { id: string; name: string; status: string; errorMessage?: string }[];
  const failed = checks.filter(({ status }) => status === "FAILURE" || status === "WARNING").map(({ id, name, errorMessage = "" }) => `${id} (${name}): ${errorMessage}`);
  return { passed: checks.filter(({ status }) => status === "SUCCESS").length, failed };
}

/** The suite's scenarios for an authorization server; the second takes up where the first has ended. */
export const authorizationScenarios = Object.freeze(["authorization-server-metadata-endpoint", "authorization-code-grant"]);

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** The authorization server of the real program, with somebody who approves whatever the suite asks for: every check, by its scenario. */
export async function runAuthorization(access: object = {}): Promise<{ readonly exitCode: number; readonly checks: Readonly<Record<string, readonly Check[]>>; readonly output: string; readonly elapsedMs: number }> {
  const started = performance.now();
  const clients = { preregistered: [{ clientId: "suite", redirectUris: ["http://127.0.0.1/callback"] }] };
  await using program = await startProgram({ config: { auth: { ...access, clients }, mcpServers: {} } });
  const results = await mkdtemp(join(tmpdir(), "authorization-"));
  try {
    const argv = ["authorization", "--url", program.origin, "--client-id", "suite", "--resource", `${program.origin}/mcp`, "--port", String(await freePort()), "--output-dir", results];
    const child = Bun.spawn([process.execPath, join(suiteDir, "dist", "index.js"), ...argv], { env: cleanEnv(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, exitCode] = await Promise.all([approving(child.stdout, (url) => approveAt(program, url)), new Response(child.stderr).text(), child.exited]);
    return { exitCode, checks: await checksIn(results), output: stdout + stderr, elapsedMs: performance.now() - started };
  } finally {
    await rm(results, { recursive: true, force: true });
  }
}

/** Reads what the suite says, and opens the address that it wants opened. */
async function approving(stdout: ReadableStream<Uint8Array>, approve: (url: string) => Promise<void>): Promise<string> {
  let text = "";
  let isOpened = false;
  const decoder = new TextDecoder();
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    const url = /^http\S+\/authorize\?\S+(?=\n)/mu.exec(text)?.[0];
    if (url === undefined || isOpened) continue;
    isOpened = true;
    await approve(url);
  }
  return text;
}

async function checksIn(folder: string): Promise<Record<string, Check[]>> {
  const found: Record<string, Check[]> = {};
  for (const run of await readdir(folder, { recursive: true })) {
    const scenario = authorizationScenarios.find((name) => run.includes(name));
    if (scenario !== undefined && run.endsWith("checks.json")) found[scenario] = JSON.parse(await readFile(join(folder, run), "utf8")) as Check[];
  }
  return found;
}

/** A port that nobody listens on: the suite wants to know its own beforehand. */
async function freePort(): Promise<number> {
  const probe = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port = 0 } = probe;
  await probe.stop(true);
  return port;
}

type Leg = readonly [name: string, revision: Revision, run: () => Promise<Verdict>];
const legsOf = (revision: Revision): Leg[] => [
  ["fixture", revision, () => runFixture(revision)],
  ...backends.map((backend): Leg => [backend, revision, () => runLeg(backend, revision)]),
  ...crossings
    .filter((crossing) => crossing.revision === revision)
    .flatMap(({ speaks }) => backends.map((backend): Leg => [`${backend}, ${speaks} only`, revision, () => runLeg(backend, revision, speaks)])),
];

async function printLeg([name, revision, run]: Leg): Promise<void> {
  const { passed, failed, unscoredPassed, exitCode, elapsedMs, output } = await run();
  console.log(`${revision} ${name}: ${passed.length}/${passed.length + failed.length}, unscored +${unscoredPassed.length}, exit ${exitCode}, ${Math.round(elapsedMs)} ms`);
  if (failed.length > 0) console.log(`  failed: ${failed.join(", ")}`);
  if (process.argv.includes("--verbose") && exitCode !== 0) console.log(output);
}

async function printAuthorization(): Promise<void> {
  const { exitCode, checks, elapsedMs } = await runAuthorization();
  console.log(`authorization server: exit ${exitCode}, ${Math.round(elapsedMs)} ms`);
  for (const [scenario, those] of Object.entries(checks)) for (const { id, status, errorMessage = "" } of those) console.log(`  ${scenario} ${id}: ${status} ${errorMessage}`);
}

async function printTable(): Promise<void> {
  await printAuthorization();
  for (const leg of revisions.flatMap(legsOf)) await printLeg(leg);
  for (const revision of revisions)
    for (const scenario of [...clientScenarios[revision], ...loginClientScenarios[revision]]) {
      const { exitCode, failed, elapsedMs } = await runClientScenario(scenario, revision);
      console.log([`${revision} client ${scenario}: exit ${exitCode}, ${Math.round(elapsedMs)} ms`, ...failed].join("\n  "));
    }
}

if (import.meta.main) await printTable();
