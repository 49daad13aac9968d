/**
 * Makes the executable: `bun run build` for this computer (dist/1mcp), `bun run build --all` everything that is published,
 * for every platform (see docs/releasing.md). `--url <address>` is where that will lie, for the formula and the install
 * script; `--entry <file>` and `--out <folder>` are for the build's own test.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { compile, type Program } from "./release/compile.ts";
import { makeRelease } from "./release/release.ts";

const flagValue = (name: string): string | null => {
  const at = process.argv.indexOf(name);
  return at === -1 ? null : (process.argv[at + 1] ?? null);
};

/** The source maps are inside the executable; the copies that the tool leaves beside it are not for shipping. */
async function removeMaps(out: string): Promise<void> {
  for (const file of await readdir(out)) if (file.endsWith(".map")) await rm(join(out, file));
}

async function buildAll(program: Program, out: string): Promise<void> {
  const url = flagValue("--url") ?? process.env["RELEASE_URL"] ?? null;
  // A name that is reserved for never being anybody's: better than one that could become somebody's.
  if (url === null) console.log("without --url the formula and the install script name an address that does not exist");
  await makeRelease({
    program,
    out,
    url: (url ?? `https://1mcp.invalid/v${program.version}`).replace(/\/+$/, ""),
    maintainer: process.env["RELEASE_MAINTAINER"] ?? "the maintainers of 1mcp <maintainers@1mcp.invalid>",
    log: (line) => console.log(line),
  });
}

async function main(): Promise<void> {
  const top = import.meta.dir;
  const out = flagValue("--out") ?? join(top, "dist");
  const { version } = (await Bun.file(join(top, "package.json")).json()) as { version: string };
  const program: Program = { entry: flagValue("--entry") ?? join(top, "src", "main.ts"), version, top };
  await mkdir(out, { recursive: true });
  if (process.argv.includes("--all")) await buildAll(program, out);
  else {
    const outfile = join(out, process.platform === "win32" ? "1mcp.exe" : "1mcp");
    await compile(program, outfile);
    console.log(`${outfile}  ${Math.round(Bun.file(outfile).size / 1e5) / 10} MB`);
  }
  await removeMaps(out);
}

await main();
