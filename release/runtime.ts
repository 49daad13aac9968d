/**
 * Fetches the runtime that an executable is made of, by the package client, which knows the registry of this computer;
 * the bundler's own download asks one fixed address and checks nothing that we know beforehand. What was fetched must
 * have the checksum of the lock file.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Locked, sha512Of } from "./lock.ts";
import { isWindows, type Platform } from "./platforms.ts";
import { runTool } from "./tool.ts";

export interface Runtime extends AsyncDisposable {
  /** The executable to put the program into. */
  readonly path: string;
}

/** The checksum that a platform's runtime must have. Throws where nobody has written one down. */
export function runtimeIntegrity({ runtime, integrity }: Platform, locked: ReadonlyMap<string, Locked>): string {
  const found = integrity ?? locked.get(runtime)?.integrity;
  if (found === undefined) throw new Error(`${runtime} is not in bun.lock, so it cannot be checked`);
  return found;
}

/** Fetches, checks and unpacks it. Throws with the tool's own words, or where the checksum is another. */
export async function fetchRuntime(platform: Platform, version: string, integrity: string): Promise<Runtime> {
  const dir = await mkdtemp(join(tmpdir(), "1mcp-runtime-"));
  const dispose = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const packed = await runTool(["npm", "pack", "--silent", `${platform.runtime}@${version}`], dir);
    const archive = packed.stdout.trim().split("\n").at(-1) ?? "";
    if (packed.code !== 0) throw new Error(`${platform.runtime} could not be fetched\n${packed.output}`);
    await checkRuntime(join(dir, archive), integrity);
    const unpacked = await runTool(["tar", "xzf", archive], dir);
    if (unpacked.code !== 0) throw new Error(`${platform.runtime} could not be unpacked\n${unpacked.output}`);
    return { path: join(dir, "package", "bin", isWindows(platform) ? "bun.exe" : "bun"), [Symbol.asyncDispose]: dispose };
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
}

/** Throws unless the file has the checksum. */
export async function checkRuntime(path: string, integrity: string): Promise<void> {
  const digest = new Bun.CryptoHasher("sha512").update(await Bun.file(path).bytes()).digest("hex");
  if (digest !== sha512Of(integrity)) throw new Error(`${path} is not what bun.lock names`);
}
