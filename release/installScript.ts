/** The install script of one release: install.sh with its version, its address and the sums of its archives written in. */
import { join } from "node:path";
import { archiveOf, isWindows, platforms } from "./platforms.ts";
import { digestOf, type Sum } from "./sums.ts";

export interface InstallScript {
  readonly version: string;
  /** The address below which the published files lie. */
  readonly url: string;
  readonly sums: readonly Sum[];
}

export const installScriptName = "install.sh";

/** The script's text. Throws on an address that a shell would not take as it is. */
export async function installScriptOf(top: string, { version, url, sums }: InstallScript): Promise<string> {
  if (!/^https?:\/\/[\w.:[\]/~%@+-]+$/.test(url)) throw new Error(`${url} is no address for an install script`);
  const rows = platforms.filter((one) => !isWindows(one)).map((one) => `${one.name} ${digestOf(sums, archiveOf(one, version))}`);
  const template = await Bun.file(join(top, "release", installScriptName)).text();
  return template.replaceAll("@VERSION@", version).replaceAll("@URL@", url).replaceAll("@SUMS@", rows.join("\n"));
}
