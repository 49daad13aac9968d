/**
 * Makes the executable: `bun run build` for this computer (dist/1mcp), `bun run build --all` for every platform we
 * publish (dist/1mcp-<platform>) with dist/SHA256SUMS. `--entry <file>` and `--out <folder>` are for the build's own test.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Platforms by our name, and the package that carries their runtime (it spells arm64 its own way). */
const platforms: Readonly<Record<string, string>> = Object.freeze({
  "linux-x64": "@oven/bun-linux-x64",
  "linux-arm64": "@oven/bun-linux-aarch64",
  "linux-x64-musl": "@oven/bun-linux-x64-musl",
  "linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
  "linux-x64-baseline": "@oven/bun-linux-x64-baseline",
  "darwin-arm64": "@oven/bun-darwin-aarch64",
  "darwin-x64": "@oven/bun-darwin-x64",
  "windows-x64": "@oven/bun-windows-x64",
  "windows-arm64": "@oven/bun-windows-aarch64",
});

/**
 * Splitting is what makes a lazy import lazy in cost, and bytecode needs the esm format to survive `import.meta`. The
 * two autoload switches keep a program that is started in a stranger's folder from reading that folder's `.env` and
 * running its bunfig's preload.
 */
const flags = [
  "--compile",
  "--production",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--splitting",
  "--sourcemap=linked",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

interface Ran {
  readonly code: number;
  readonly output: string;
}

async function run(argv: readonly string[], cwd: string): Promise<Ran> {
  const child = Bun.spawn([...argv], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: stdout + stderr };
}

interface Build {
  readonly entry: string;
  readonly outfile: string;
  readonly version: string;
  /** Our platform name; null for this computer. */
  readonly platform: string | null;
}

/** Builds one executable; throws with the tool's own words. */
async function build(wanted: Build): Promise<void> {
  const target = wanted.platform === null ? [] : [`--target=bun-${wanted.platform}`];
  const define = ["--define", `VERSION=${JSON.stringify(wanted.version)}`];
  const argv = [process.execPath, "build", ...flags, ...define, ...target, wanted.entry, "--outfile", wanted.outfile];
  const first = await run(argv, import.meta.dir);
  if (first.code === 0 || wanted.platform === null) return check(first, wanted.outfile);
  // The tool fetches a foreign runtime from one fixed place; where that is out of reach the package client may not be.
  await using runtime = await fetchRuntime(platforms[wanted.platform]!, first.output);
  check(await run([...argv, `--compile-executable-path=${runtime.path}`], import.meta.dir), wanted.outfile);
}

function check(ran: Ran, outfile: string): void {
  // The tool reports this and still succeeds, with a program that starts ten times slower.
  if (ran.code !== 0 || ran.output.includes("Failed to generate bytecode")) throw new Error(`${outfile}: the build failed\n${ran.output}`);
}

/** The runtime of another platform, from its package; `reason` is why it is needed. */
async function fetchRuntime(name: string, reason: string): Promise<{ path: string } & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), "1mcp-runtime-"));
  const dispose = (): Promise<void> => rm(dir, { recursive: true, force: true });
  const packed = await run(["npm", "pack", "--silent", `${name}@${Bun.version}`], dir);
  const archive = packed.output.trim().split("\n").at(-1) ?? "";
  const unpacked = packed.code === 0 ? await run(["tar", "xzf", archive], dir) : packed;
  if (unpacked.code !== 0) {
    await dispose();
    throw new Error(`the runtime of ${name} could not be fetched\n${reason}\n${unpacked.output}`);
  }
  const file = name.includes("windows") ? "bun.exe" : "bun";
  return { path: join(dir, "package", "bin", file), [Symbol.asyncDispose]: dispose };
}

/** The source maps are inside the executable; the copies that the tool leaves beside it are not for shipping. */
async function removeMaps(out: string): Promise<void> {
  for (const file of await readdir(out)) if (file.endsWith(".map")) await rm(join(out, file));
}

async function sumOf(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return `${hasher.digest("hex")}  ${basename(path)}`;
}

const flagValue = (name: string): string | null => {
  const at = process.argv.indexOf(name);
  return at === -1 ? null : (process.argv[at + 1] ?? null);
};

async function buildAll(entry: string, out: string, version: string): Promise<void> {
  const made: string[] = [];
  for (const platform of Object.keys(platforms)) {
    // The name is part of the bytes, so every platform is built under the name it is published with.
    const outfile = join(out, `1mcp-${platform}${platform.startsWith("windows") ? ".exe" : ""}`);
    await build({ entry, outfile, version, platform });
    console.log(`${outfile}  ${Math.round(Bun.file(outfile).size / 1e5) / 10} MB`);
    made.push(outfile);
  }
  const sums = await Promise.all(made.map(sumOf));
  const path = join(out, "SHA256SUMS");
  await Bun.write(`${path}.new`, `${sums.join("\n")}\n`);
  await rename(`${path}.new`, path);
}

async function main(): Promise<void> {
  const entry = flagValue("--entry") ?? join(import.meta.dir, "src", "main.ts");
  const out = flagValue("--out") ?? join(import.meta.dir, "dist");
  const { version } = (await Bun.file(join(import.meta.dir, "package.json")).json()) as { version: string };
  await mkdir(out, { recursive: true });
  if (process.argv.includes("--all")) await buildAll(entry, out, version);
  else {
    const outfile = join(out, process.platform === "win32" ? "1mcp.exe" : "1mcp");
    await build({ entry, outfile, version, platform: null });
    console.log(`${outfile}  ${Math.round(Bun.file(outfile).size / 1e5) / 10} MB`);
  }
  await removeMaps(out);
}

await main();
