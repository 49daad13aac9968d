/**
 * Makes everything that is published, in one folder: executables, archives, packages, bill of materials, formula, install
 * script, notes, and the sums of all of it. The same commit gives the same bytes: nothing of the folder, the user or the
 * hour gets in.
 */
import { join } from "node:path";
import { bundledFiles, compile, type Program } from "./compile.ts";
import { debOf, packageOf, readScripts } from "./deb.ts";
import { type Entry, fileEntry, gzipped } from "./entry.ts";
import { formulaName, formulaOf } from "./formula.ts";
import { installScriptName, installScriptOf } from "./installScript.ts";
import { type Locked, lockedOf } from "./lock.ts";
import { notesOf } from "./notes.ts";
import { archiveEntries, type Parts, partsOf } from "./parts.ts";
import { archiveOf, executableOf, folderOf, isWindows, type Platform, platforms } from "./platforms.ts";
import { fetchRuntime, runtimeIntegrity } from "./runtime.ts";
import { sbomOf } from "./sbom.ts";
import { type Sum, sumOf, sumsText } from "./sums.ts";
import { tarOf } from "./tar.ts";
import { runTool } from "./tool.ts";
import { zipOf } from "./zip.ts";

export interface Release {
  readonly program: Program;
  readonly out: string;
  /** The address below which the published files will lie. */
  readonly url: string;
  readonly maintainer: string;
  /** Told of each file. */
  readonly log: (line: string) => void;
}

/** The files that are not of one platform. */
export const sbomName = "sbom.cdx.json";
export const sumsName = "SHA256SUMS";
const notesName = "NOTES.md";
/** The earliest time that every format can say. */
const epochMin = 315_532_800;

/** Makes the release. Throws with the tools' own words. */
export async function makeRelease(release: Release): Promise<void> {
  const { program, out } = release;
  const [epoch, manifest, locked] = await Promise.all([epochOf(program.top), manifestOf(program.top), Bun.file(join(program.top, "bun.lock")).text().then(lockedOf)]);
  const sums: Sum[] = [];
  const keep = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    const all = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    await Bun.write(join(out, name), all);
    sums.push(sumOf(name, all));
    release.log(`${name}  ${Math.round(all.length / 1e5) / 10} MB`);
  };
  await makeExecutables(release, locked, sums);
  const sbom = sbomOf({ version: program.version, license: manifest.license, epoch, files: await bundledFiles(program), locked, licenseOf: await licensesOf(program.top, locked), direct: Object.keys(manifest.dependencies), runtimeVersion: Bun.version, executables: [...sums] });
  const parts = await partsOf(program.top, program.version, epoch, sbom);
  await keep(sbomName, sbom);
  await makePacked(release, parts, epoch, keep);
  const facts = { version: program.version, url: release.url, sums };
  await keep(formulaName, formulaOf({ ...facts, ...manifest, hasCompletions: parts.completions.length > 0 }));
  await keep(installScriptName, await installScriptOf(program.top, facts));
  await keep(notesName, notesOf({ ...facts, changelog: parts.changelog }));
  await Bun.write(join(out, sumsName), sumsText(sums));
}

async function makeExecutables({ program, out, log }: Release, locked: ReadonlyMap<string, Locked>, sums: Sum[]): Promise<void> {
  for (const platform of platforms) {
    await using runtime = await fetchRuntime(platform, Bun.version, runtimeIntegrity(platform, locked));
    const name = executableOf(platform);
    await compile(program, join(out, name), { platform: platform.name, runtime: runtime.path });
    const sum = sumOf(name, await Bun.file(join(out, name)).bytes());
    log(`${name}  ${Math.round(sum.bytes / 1e5) / 10} MB`);
    sums.push(sum);
  }
}

async function makePacked({ program: { version, top }, out, maintainer }: Release, parts: Parts, epoch: number, keep: (name: string, bytes: Uint8Array) => Promise<void>): Promise<void> {
  const scripts = await readScripts(top);
  for (const platform of platforms) {
    const executable = await Bun.file(join(out, executableOf(platform))).bytes();
    const entry = fileEntry(isWindows(platform) ? "1mcp.exe" : "1mcp", executable, 0o755);
    await keep(archiveOf(platform, version), packed(platform, archiveEntries(folderOf(platform, version), entry, parts), epoch));
    if (platform.debian !== null) await keep(packageOf(version, platform.debian), debOf({ version, architecture: platform.debian, executable, parts, epoch, maintainer, scripts }));
  }
}

const packed = (platform: Platform, entries: readonly Entry[], epoch: number): Uint8Array => (isWindows(platform) ? zipOf(entries, epoch) : gzipped(tarOf(entries, epoch)));

/** The time that everything bears, in seconds: SOURCE_DATE_EPOCH, else that of the commit, else the earliest there is. */
export async function epochOf(top: string, given = process.env["SOURCE_DATE_EPOCH"]): Promise<number> {
  const text = given ?? (await runTool(["git", "log", "-1", "--format=%ct"], top).catch(() => ({ stdout: "" }))).stdout.trim();
  return Math.max(/^\d{1,10}$/.test(text) ? Number(text) : 0, epochMin);
}

interface Manifest {
  readonly license: string;
  readonly description: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifestOf = async (top: string): Promise<Manifest> => (await Bun.file(join(top, "package.json")).json()) as Manifest;

/** What each installed package says of its licence. */
async function licensesOf(top: string, locked: ReadonlyMap<string, Locked>): Promise<(place: string) => string | null> {
  const read = async (place: string): Promise<readonly [string, string | null]> => {
    const path = place.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];
    const file = Bun.file(join(top, ...path.flatMap((name) => ["node_modules", name]), "package.json"));
    const { license } = ((await file.exists()) ? await file.json() : {}) as { license?: unknown };
    return [place, typeof license === "string" ? license : null];
  };
  const all = new Map(await Promise.all([...locked.keys()].map(read)));
  return (place) => all.get(place) ?? null;
}
