/**
 * The bill of materials (CycloneDX 1.6): what is really inside, by the bundler's own word, with version and checksum of
 * the lock file. A tree of installed packages would list ten times as many that no user ever gets.
 */
import { type Locked, sha512Of } from "./lock.ts";
import { type Platform, platforms } from "./platforms.ts";
import { runtimeIntegrity } from "./runtime.ts";
import type { Sum } from "./sums.ts";

export interface Bill {
  readonly version: string;
  /** The program's licence (SPDX). */
  readonly license: string;
  /** Seconds since the epoch. */
  readonly epoch: number;
  /** The files that the bundler took. */
  readonly files: readonly string[];
  readonly locked: ReadonlyMap<string, Locked>;
  /** The licence that a package says it has (SPDX), by its place; null: it says none. */
  readonly licenseOf: (place: string) => string | null;
  /** What the program itself asks for, by name. */
  readonly direct: readonly string[];
  readonly runtimeVersion: string;
  /** The executables. */
  readonly executables: readonly Sum[];
}

/** The document's text. Throws where a file's package is not in the lock file. */
export function sbomOf(bill: Bill): string {
  const places = placesOf(bill.files);
  const self = `pkg:generic/1mcp@${bill.version}`;
  const body = {
    version: 1,
    metadata: {
      timestamp: new Date(bill.epoch * 1000).toISOString(),
      component: { type: "application", "bom-ref": self, name: "1mcp", version: bill.version, licenses: licenses(bill.license), purl: self },
    },
    components: [...places.map((place) => library(bill, place)), ...platforms.map((platform) => runtime(bill, platform)), ...bill.executables.map((sum) => executable(sum, bill.version))],
    dependencies: dependenciesOf(bill, places, self),
  };
  // The number is made of the content, so that the same content has the same.
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(body))}`;
  return `${JSON.stringify({ $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", bomFormat: "CycloneDX", specVersion: "1.6", serialNumber, ...body }, null, 2)}\n`;
}

/** Where the bundled packages are installed, as the lock file names places: below one another where one has its own copy. */
export function placesOf(files: readonly string[]): string[] {
  const places = files.flatMap((file) => {
    const [, ...below] = file.split(/(?:^|\/)node_modules\//);
    return below.length === 0 ? [] : [below.map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? "").join("/")];
  });
  return [...new Set(places)].sort();
}

const purlOf = ({ name, version }: Pick<Locked, "name" | "version">): string => `pkg:npm/${name.replace("@", "%40")}@${version}`;

function lockedAt({ locked }: Bill, place: string): Locked {
  const found = locked.get(place);
  if (found === undefined) throw new Error(`${place} is in the program and not in bun.lock`);
  return found;
}

function library(bill: Bill, place: string): object {
  const found = lockedAt(bill, place);
  return { type: "library", "bom-ref": purlOf(found), name: found.name, version: found.version, scope: "required", hashes: [sha512(found.integrity)], licenses: licenses(bill.licenseOf(place)), purl: purlOf(found) };
}

function runtime(bill: Bill, platform: Platform): object {
  const found = { name: platform.runtime, version: bill.runtimeVersion };
  return { type: "platform", "bom-ref": purlOf(found), ...found, scope: "required", description: `the runtime in ${platform.name}`, hashes: [sha512(runtimeIntegrity(platform, bill.locked))], licenses: licenses("MIT"), purl: purlOf(found) };
}

const executable = ({ name, digest }: Sum, version: string): object => ({ type: "file", "bom-ref": `file:${name}`, name, version, hashes: [{ alg: "SHA-256", content: digest }] });

const sha512 = (integrity: string): object => ({ alg: "SHA-512", content: sha512Of(integrity) });

function licenses(license: string | null): readonly object[] {
  if (license === null) return [];
  return [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }];
}

function dependenciesOf(bill: Bill, places: readonly string[], self: string): readonly object[] {
  const refs = new Map(places.map((place) => [place, purlOf(lockedAt(bill, place))]));
  const own = bill.direct.flatMap((name) => refs.get(name) ?? []);
  const below = places.map((place) => ({
    ref: refs.get(place),
    dependsOn: lockedAt(bill, place).needs.flatMap((name) => refs.get(`${place}/${name}`) ?? refs.get(name) ?? []).sort(),
  }));
  return [{ ref: self, dependsOn: own.sort() }, ...below];
}

/** A name-based UUID (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
