/** Reads bun.lock: which version of a package is installed where, and the checksum of what was fetched. */
import { parse } from "jsonc-parser";

export interface Locked {
  readonly name: string;
  readonly version: string;
  /** The packages that it needs, by name. */
  readonly needs: readonly string[];
  /** As npm writes it: `sha512-` and base64. */
  readonly integrity: string;
}

type Row = readonly [spec: string, address: string, facts: { readonly dependencies?: Record<string, string>; readonly peerDependencies?: Record<string, string> }, integrity: string];

/** The packages by place: `a`, or `a/b` for the b that only a sees. */
export function lockedOf(text: string): ReadonlyMap<string, Locked> {
  const { packages } = parse(text, [], { allowTrailingComma: true }) as { packages: Record<string, Row> };
  return new Map(Object.entries(packages).map(([place, row]) => [place, locked(row)]));
}

function locked([spec, , facts, integrity]: Row): Locked {
  const at = spec.lastIndexOf("@");
  return { name: spec.slice(0, at), version: spec.slice(at + 1), needs: Object.keys({ ...facts.dependencies, ...facts.peerDependencies }), integrity };
}

/** The SHA-512 of an integrity, in hexadecimal. Throws on any other kind. */
export function sha512Of(integrity: string): string {
  const encoded = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity)?.[1];
  if (encoded === undefined) throw new Error(`${integrity} is no SHA-512 checksum`);
  return Buffer.from(encoded, "base64").toString("hex");
}
