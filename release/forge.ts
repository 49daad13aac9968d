/** What the address of published files says of the forge that they lie at: where the project itself is shown. */

export interface ForgePlace {
  /** The address of the project; of files that lie elsewhere, theirs. */
  readonly project: string;
  /** The tag that they were made from; null: they lie elsewhere. */
  readonly tag: string | null;
}

/** Reads the address below which the files of a release lie. */
export function placeOf(url: string): ForgePlace {
  const [, project = url, tag = null] = /^(https?:\/\/[^/]+\/.+)\/releases\/download\/([^/]+)$/u.exec(url) ?? [];
  return { project, tag };
}
