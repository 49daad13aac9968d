/** Checksums of published files, in the format that `sha256sum --check` reads. */

export interface Sum {
  readonly name: string;
  /** SHA-256 in hexadecimal. */
  readonly digest: string;
  readonly bytes: number;
}

export const sumOf = (name: string, bytes: Uint8Array): Sum => ({ name, digest: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"), bytes: bytes.length });

/** The lines, by name. */
export const sumsText = (sums: readonly Sum[]): string => [...sums].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, digest }) => `${digest}  ${name}\n`).join("");

/** The digest of a file among them. Throws where there is none: a file that was not made cannot be published. */
export function digestOf(sums: readonly Sum[], name: string): string {
  const found = sums.find((sum) => sum.name === name);
  if (found === undefined) throw new Error(`there is no ${name} among the published files`);
  return found.digest;
}
