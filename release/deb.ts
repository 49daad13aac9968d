/**
 * Makes the Debian package (deb(5)) from bytes alone: the same on every computer, and on one that has no Debian tools.
 * It holds the executable, its manual, completions, the machine's unit, and a configuration that belongs to the administrator.
 */
import { join } from "node:path";
import { machinePaths, serviceUser, unitOf } from "../src/cli/unit.ts";
import { arOf } from "./ar.ts";
import { type Entry, fileEntry, gzipped } from "./entry.ts";
import type { Parts } from "./parts.ts";
import { tarOf } from "./tar.ts";

export interface Package {
  readonly version: string;
  /** What Debian calls the processor. */
  readonly architecture: string;
  readonly executable: Uint8Array;
  readonly parts: Parts;
  /** Seconds since the epoch. */
  readonly epoch: number;
  readonly maintainer: string;
  /** What the maintainer's scripts are, by name. */
  readonly scripts: Readonly<Record<string, string>>;
}

export const packageOf = (version: string, architecture: string): string => `1mcp_${version}_${architecture}.deb`;

const scriptNames = Object.freeze(["postinst", "prerm", "postrm"]);

/** The maintainer's scripts of the checkout at `top`. */
export async function readScripts(top: string): Promise<Record<string, string>> {
  const texts = await Promise.all(scriptNames.map((name) => Bun.file(join(top, "release", "debian", name)).text()));
  return Object.fromEntries(scriptNames.map((name, place) => [name, texts[place] ?? ""]));
}

/** The configuration of a new installation: no servers yet. */
const firstConfig = '{\n  // The servers of this machine; "1mcp config check" says what is wrong here.\n  "mcpServers": {}\n}\n';

/** The package's bytes. */
export function debOf(wanted: Package): Uint8Array<ArrayBuffer> {
  const data = dataOf(wanted);
  const packed = (entries: readonly Entry[]): Uint8Array => gzipped(tarOf(entries, wanted.epoch, "./"));
  return arOf(
    [
      { name: "debian-binary", bytes: new TextEncoder().encode("2.0\n") },
      { name: "control.tar.gz", bytes: packed(controlOf(wanted, data)) },
      { name: "data.tar.gz", bytes: packed(data) },
    ],
    wanted.epoch,
  );
}

/** The machine's unit, for every version of systemd that Debian has. */
export const packagedUnit = (): string => unitOf({ ...machinePaths, argv: ["/usr/bin/1mcp", "serve", "--config", machinePaths.configPath, "--state-dir", machinePaths.stateDir], isUser: false, path: null }, null);

function dataOf({ executable, parts }: Package): Entry[] {
  const { manPage, completions, sbom, changelog } = parts;
  const compressed = (text: string): Uint8Array => gzipped(new TextEncoder().encode(text));
  return [
    fileEntry("usr/bin/1mcp", executable, 0o755),
    fileEntry("usr/lib/systemd/system/1mcp.service", packagedUnit()),
    fileEntry(machinePaths.configPath.slice(1), firstConfig),
    fileEntry("usr/share/man/man1/1mcp.1.gz", compressed(manPage)),
    fileEntry("usr/share/doc/1mcp/copyright", copyrightOf()),
    fileEntry("usr/share/doc/1mcp/changelog.gz", compressed(changelog)),
    fileEntry("usr/share/doc/1mcp/sbom.cdx.json", sbom),
    ...completions.map(({ path, ...rest }) => ({ ...rest, path: `usr/share/${path.replace(/^zsh\/site-functions/, "zsh/vendor-completions")}` })),
  ];
}

// Every Debian has the licence's text.
const copyrightOf = (): string =>
  "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: 1mcp\n\nFiles: *\nCopyright: the authors of 1mcp\nLicense: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n";

function controlOf({ version, architecture, maintainer, scripts }: Package, data: readonly Entry[]): Entry[] {
  const files = data.flatMap(({ path, bytes }) => (bytes === null ? [] : [{ path, bytes }])).sort((a, b) => (a.path < b.path ? -1 : 1));
  const size = Math.ceil(files.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1024);
  const control = [
    "Package: 1mcp",
    `Version: ${version.replace("-", "~")}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${size}`,
    // What the runtime was linked against, and what makes the user.
    "Depends: libc6 (>= 2.17), adduser",
    "Section: net",
    "Priority: optional",
    "Description: one door to many MCP servers",
    " 1mcp starts, watches and guards MCP servers and offers them all at one",
    " address to every client. This package has it as a service with a user of",
    ` its own (${serviceUser}), listening on loopback and asking for a token.`,
    "",
  ].join("\n");
  const md5 = files.map(({ path, bytes }) => `${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}  ${path}\n`).join("");
  return [
    fileEntry("control", control),
    fileEntry("conffiles", `${machinePaths.configPath}\n`),
    fileEntry("md5sums", md5),
    ...Object.entries(scripts).map(([name, text]) => fileEntry(name, text, 0o755)),
  ];
}
