/**
 * The rehearsal of a release, `bun run rehearse`: two clean clones in different places are built for all platforms and
 * compared byte for byte; what was built is then installed, started, damaged and taken away by every means that this
 * computer has. What cannot be tried here is said, never passed over. Minutes, not seconds, and so no part of the tests.
 *
 * `--from <folder>` takes what has been built there; `--journeys` runs all journeys with this computer's executable too;
 * `--qemu <qemu-aarch64> --root <folder>` runs the smoke journey of arm64 by an emulator.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageOf } from "../../release/deb.ts";
import { archiveOf, executableOf } from "../../release/platforms.ts";
import { runTool } from "../../release/tool.ts";
import { cleanEnv, projectDir } from "../fixtures/program.ts";
import manifest from "../../package.json";

const { version } = manifest;
const work = await mkdtemp(join(tmpdir(), "1mcp-rehearsal-"));
const flagValue = (name: string): string | null => {
  const at = process.argv.indexOf(name);
  return at < 0 ? null : (process.argv[at + 1] ?? null);
};
const here = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
let failures = 0;

/** Runs one part and says how it went; a part gives what is worth saying, or throws. */
async function part(name: string, play: () => Promise<string>): Promise<void> {
  try {
    console.log(`ok    ${name}: ${await play()}`);
  } catch (thrown) {
    failures += 1;
    console.log(`WRONG ${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
const untried = (name: string, why: string): void => console.log(`--    ${name}: not tried here, ${why}`);

async function must(argv: readonly string[], cwd: string, env: Record<string, string> = cleanEnv()): Promise<string> {
  const ran = await runTool(argv, cwd, env);
  if (ran.code !== 0) throw new Error(`${argv.join(" ")} gave ${ran.code}\n${ran.output}`);
  return ran.stdout;
}
async function mustFail(argv: readonly string[], cwd: string, env: Record<string, string> = cleanEnv()): Promise<string> {
  const ran = await runTool(argv, cwd, env);
  if (ran.code === 0) throw new Error(`${argv.join(" ")} should have failed\n${ran.output}`);
  return ran.output;
}
function expectSame(what: string, found: unknown, wanted: unknown): void {
  if (!Bun.deepEquals(found, wanted)) throw new Error(`${what}: ${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
}

/** What is published, served as it would be; `lie` changes what is sent. */
function serve(dist: () => string, lie: { on: boolean }) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async ({ url }) => {
      const bytes = await readFile(join(dist(), new URL(url).pathname.slice(1))).catch(() => null);
      if (bytes === null) return new Response("no", { status: 404 });
      if (lie.on) bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 1;
      return new Response(new Uint8Array(bytes));
    },
  });
}

async function buildIn(folder: string, commit: string, url: string): Promise<string> {
  await must(["git", "clone", "--quiet", projectDir, folder], work);
  await must(["git", "checkout", "--quiet", commit], folder);
  await must([process.execPath, "install", "--frozen-lockfile"], folder);
  await must([process.execPath, "build.ts", "--all", "--url", url], folder);
  return join(folder, "dist");
}

async function compare(one: string, other: string): Promise<string> {
  const names = (await readdir(one)).sort();
  expectSame("the files", (await readdir(other)).sort(), names);
  for (const name of names) if (!(await readFile(join(one, name))).equals(await readFile(join(other, name)))) throw new Error(`${name} is another`);
  return `${names.length} files, the same bytes from two clones`;
}

async function verifyAll(dist: string): Promise<string> {
  const said = await must(["sha256sum", "--check", "SHA256SUMS"], dist);
  const own = await must([join(dist, executableOf({ name: here })), "version", "--verify", join(dist, "SHA256SUMS")], dist);
  const listed = said.trim().split("\n").length;
  expectSame("what the program verified", own.match(/as released/g)?.length, listed);
  return `${listed} files by sha256sum and by the program itself`;
}

async function smoke(binary: string, before: readonly string[] = []): Promise<string> {
  const ran = await runTool([...before, process.execPath, "test", "--timeout", "120000", "test/release/smoke.test.ts"], projectDir, cleanEnv({ ONE_MCP_BINARY: binary }));
  if (ran.code !== 0) throw new Error(ran.output);
  return (/\d+ pass/.exec(ran.output)?.[0] ?? "passed").concat("ed");
}

async function installScript(dist: string, url: string, lie: { on: boolean }): Promise<string> {
  const home = join(work, "home");
  await mkdir(home);
  const env = { PATH: "/usr/bin:/bin", HOME: home };
  const install = ["sh", join(dist, "install.sh"), "--from", url];
  lie.on = true;
  const refused = await mustFail(install, work, env);
  lie.on = false;
  expectSame("what a damaged archive left", await readdir(home), []);
  if (!refused.includes("nothing is installed")) throw new Error(refused);
  await must(install, work, env);
  const binary = join(home, ".local", "bin", "1mcp");
  expectSame("the version", (await must([binary, "--version"], home, env)).trim(), version);
  await must([binary, "version", "--verify", join(dist, "SHA256SUMS")], home, env);
  await must([...install, "--uninstall"], work, env);
  expectSame("what is left", (await readdir(home, { recursive: true, withFileTypes: true })).filter((one) => one.isFile()), []);
  return "installed, verified, taken away; a damaged archive refused";
}

async function formula(dist: string, url: string, lie: { on: boolean }): Promise<string> {
  const path = join(dist, "onemcp.rb");
  await must(["ruby", "-c", path], work);
  const brew = ["ruby", join(projectDir, "test", "release", "brew.rb"), path, join(work, "brew"), url];
  lie.on = true;
  const refused = await mustFail(brew, work);
  lie.on = false;
  if (!refused.includes("SHA256 mismatch")) throw new Error(refused);
  return `${(await must(brew, work)).trim()} (by the stand-in of brew.rb, not by Homebrew); a damaged archive refused`;
}

/** The facts of the package's life that must be so. */
const life: Readonly<Record<string, string>> = Object.freeze({
  before: "", install: "0", status: `install ok installed ${version}`, verify: "0 ", user: "onemcp:/var/lib/1mcp:/usr/sbin/nologin", group: "onemcp", state: "onemcp:onemcp 700", config: "root:onemcp 640",
  conffiles: "/etc/1mcp/mcp.json ", manual: ".TH 1MCP ", integrity: "", enabled: "enabled", active: "active", "runs-as": "onemcp", health: "200", stranger: "401", token: "onemcp 600", audited: "onemcp 600", reload: "0", serves: "200",
  tools: '"name":"demo__count" "name":"demo__echo" "name":"demo__fail" ', stop: "0 inactive success", "left-processes": "0", start: "0 active", "same-token": "yes", killed: "active 200", upgrade: "0 restarted active",
  "kept-config": "onemcp:onemcp 600 1", "upgrade-of-a-broken-one": "0 install ok installed", broken: "failed 78", remove: "0 failed", removed: " /etc/1mcp/mcp.json /var/lib/1mcp/token ", purge: "0", "user-after": "", after: "",
});

async function debian(dist: string): Promise<string> {
  const house = join(work, "house");
  await mkdir(house);
  await copyFile(join(dist, packageOf(version, here === "linux-arm64" ? "arm64" : "amd64")), join(house, "1mcp.deb"));
  await copyFile(join(projectDir, "test", "release", "package.sh"), join(house, "package.sh"));
  await must(["sh", join(projectDir, "test", "release", "house.sh"), house, "package.sh"], work);
  const output = await readFile(join(house, "output"), "utf8");
  const facts = Object.fromEntries([...output.matchAll(/^([a-z-]+): (.*)$/gm)].map(([, name = "", value = ""]) => [name, value]));
  for (const [name, wanted] of Object.entries(life)) expectSame(name, facts[name], wanted);
  if (facts["server-runs-as"]?.trim().match(/^\d+ onemcp$/) === null) throw new Error(`servers run as ${facts["server-runs-as"]}`);
  const exposure = /: (\d+\.\d+)/.exec(facts["exposure"] ?? "")?.[1];
  if (Number(exposure) > 2) throw new Error(`the unit's exposure is ${exposure}`);
  return `${Object.keys(facts).length} facts from installation to purge; exposure by systemd-analyze security ${exposure}`;
}

async function rehearse(): Promise<void> {
  const lie = { on: false };
  let dist = flagValue("--from") ?? "";
  await using server = serve(() => dist, lie);
  const url = `http://127.0.0.1:${server.port}`;
  if (dist === "") {
    const commit = (await must(["git", "rev-parse", "HEAD"], projectDir)).trim();
    await mkdir(join(work, "deeper", "below"), { recursive: true });
    await part("two clones", async () => {
      dist = await buildIn(join(work, "one"), commit, url);
      return compare(dist, await buildIn(join(work, "deeper", "below", "another"), commit, url));
    });
  } else untried("two clones", "--from says what to take");
  await part("checksums", () => verifyAll(dist));
  await start(dist);
  await part("install script", () => installScript(dist, url, lie));
  if (Bun.which("ruby") === null) untried("formula", "there is no ruby");
  else await part("formula", () => formula(dist, url, lie));
  if (isDebian()) await part("Debian package", () => debian(dist));
  else untried("Debian package", "that needs root on a Debian with systemd");
  for (const name of [executableOf({ name: here }), archiveOf({ name: here }, version)]) console.log(`      ${name}: ${(Bun.file(join(dist, name)).size / 1e6).toFixed(1)} MB`);
}

const isDebian = (): boolean => process.getuid?.() === 0 && Bun.which("dpkg") !== null && Bun.which("systemd-analyze") !== null;

/** The executables that can be started here. */
async function start(dist: string): Promise<void> {
  await part(`smoke journey of ${here}`, () => smoke(join(dist, executableOf({ name: here }))));
  const [qemu, root] = [flagValue("--qemu"), flagValue("--root")];
  if (qemu !== null && root !== null) await part("smoke journey of linux-arm64, emulated", () => smoke(join(dist, executableOf({ name: "linux-arm64" })), ["sh", join(projectDir, "test", "release", "emulated.sh"), qemu, root]));
  else untried("smoke journey of linux-arm64, emulated", "--qemu and --root are not given");
  if (process.argv.includes("--journeys")) await part("all journeys", async () => (/\d+ pass/.exec(await journeys(dist))?.[0] ?? "").concat("ed"));
}

async function journeys(dist: string): Promise<string> {
  const ran = await runTool([process.execPath, "test", "test/journeys"], projectDir, cleanEnv({ ONE_MCP_BINARY: join(dist, executableOf({ name: here })) }));
  if (ran.code !== 0) throw new Error(ran.output.split("\n").filter((line) => /\(fail\)|^ \d+ (pass|fail)/.test(line)).join("\n"));
  return ran.output;
}

await rehearse().finally(() => rm(work, { recursive: true, force: true }));
process.exitCode = failures === 0 ? 0 : 1;
