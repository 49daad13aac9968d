/** Makes one executable of the program, and the list of what the bundler puts into it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ran, runTool } from "./tool.ts";

/**
 * Splitting is what makes a lazy import lazy in cost, and bytecode needs the esm format to survive `import.meta`. The
 * two autoload switches keep a program that is started in a stranger's folder from reading that folder's `.env` and
 * running its bunfig's preload.
 */
const bundled: readonly string[] = Object.freeze(["--production", "--minify", "--format=esm", "--splitting"]);
const compiled: readonly string[] = Object.freeze(["--compile", ...bundled, "--bytecode", "--sourcemap=linked", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"]);

export interface Program {
  readonly entry: string;
  readonly version: string;
  /** The top of the checkout. */
  readonly top: string;
}

/** For which platform, with which runtime; null: this computer's own. */
export type Target = { readonly platform: string; readonly runtime: string } | null;

/** Makes the executable; throws with the tool's own words. The file's name is part of its bytes. */
export async function compile({ entry, version, top }: Program, outfile: string, target: Target = null): Promise<void> {
  const foreign = target === null ? [] : [`--target=bun-${target.platform}`, `--compile-executable-path=${target.runtime}`];
  const argv = [process.execPath, "build", ...compiled, "--define", `VERSION=${JSON.stringify(version)}`, ...foreign, entry, "--outfile", outfile];
  check(await runTool(argv, top), outfile);
}

function check(ran: Ran, outfile: string): void {
  // The tool reports this and still succeeds, with a program that starts ten times slower.
  if (ran.code !== 0 || ran.output.includes("Failed to generate bytecode")) throw new Error(`${outfile}: the build failed\n${ran.output}`);
}

/** The files that are bundled, as the bundler names them. Throws with the tool's own words. */
export async function bundledFiles({ entry, top }: Program): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), "1mcp-bundle-"));
  try {
    const meta = join(dir, "meta.json");
    check(await runTool([process.execPath, "build", ...bundled, "--target=bun", `--metafile=${meta}`, entry, "--outdir", join(dir, "out")], top), entry);
    return Object.keys(((await Bun.file(meta).json()) as { inputs: object }).inputs);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
