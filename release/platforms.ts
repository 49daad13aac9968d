/**
 * The platforms that we publish for, and where each one's runtime comes from: the one list from which executables,
 * archives, packages, formula and install script are made, so that none of them can know a platform that another lacks.
 */

export interface Platform {
  /** Our name: operating system, processor, and what sets it apart. */
  readonly name: string;
  /** The package that carries its runtime; it spells arm64 its own way. */
  readonly runtime: string;
  /** The runtime's checksum where bun.lock does not have it; null: it has. */
  readonly integrity: string | null;
  /** What Debian calls it; null: no package is made of it. */
  readonly debian: string | null;
}

const platform = (name: string, runtime: string, more: Partial<Pick<Platform, "integrity" | "debian">> = {}): Platform =>
  Object.freeze({ name, runtime: `@oven/bun-${runtime}`, integrity: null, debian: null, ...more });

// Nothing depends on the baseline runtime, so the lock file does not hold it. It changes with the version of Bun.
const baselineIntegrity = "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==";

/** Every platform, in the order of notes and sums. */
export const platforms: readonly Platform[] = Object.freeze([
  platform("linux-x64", "linux-x64", { debian: "amd64" }),
  platform("linux-arm64", "linux-aarch64", { debian: "arm64" }),
  platform("linux-x64-musl", "linux-x64-musl"),
  platform("linux-arm64-musl", "linux-aarch64-musl"),
  platform("linux-x64-baseline", "linux-x64-baseline", { integrity: baselineIntegrity }),
  platform("darwin-arm64", "darwin-aarch64"),
  platform("darwin-x64", "darwin-x64"),
  platform("windows-x64", "windows-x64"),
  platform("windows-arm64", "windows-aarch64"),
]);

export const isWindows = ({ name }: Pick<Platform, "name">): boolean => name.startsWith("windows");

/** The executable as it lies among the published files. */
export const executableOf = (one: Pick<Platform, "name">): string => `1mcp-${one.name}${isWindows(one) ? ".exe" : ""}`;

/** The folder that an archive unpacks to. */
export const folderOf = ({ name }: Pick<Platform, "name">, version: string): string => `1mcp-${version}-${name}`;

/** The archive with the executable and what belongs to it. */
export const archiveOf = (one: Pick<Platform, "name">, version: string): string => `${folderOf(one, version)}${isWindows(one) ? ".zip" : ".tar.gz"}`;
