/** What goes with the executable into every archive and package, made once for all platforms. */
import { join } from "node:path";
import { completionsOf } from "./completions.ts";
import { type Entry, fileEntry } from "./entry.ts";
import { manPageOf } from "./manPage.ts";

export interface Parts {
  readonly manPage: string;
  /** Below a prefix such as /usr/share. */
  readonly completions: readonly Entry[];
  readonly license: Uint8Array;
  readonly sbom: string;
  readonly changelog: string;
}

/** Makes them, from the checkout at `top`. */
export async function partsOf(top: string, version: string, epoch: number, sbom: string): Promise<Parts> {
  const [completions, license, changelog] = await Promise.all([completionsOf(top), Bun.file(join(top, "LICENSE")).bytes(), Bun.file(join(top, "CHANGELOG.md")).text()]);
  return { manPage: manPageOf({ version, epoch }), completions, license, sbom, changelog };
}

/** The entries of an archive that unpacks to a folder. */
export function archiveEntries(folder: string, executable: Entry, { manPage, completions, license, sbom }: Parts): Entry[] {
  const below = [executable, fileEntry("1mcp.1", manPage), fileEntry("LICENSE", license), fileEntry("sbom.cdx.json", sbom), ...completions.map(({ path, ...rest }) => ({ ...rest, path: `completions/${path}` }))];
  return below.map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
}
