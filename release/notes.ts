/** The release notes: what has changed, from the changelog, and what is published, with sizes, sums and how to check them. */
import { placeOf } from "./forge.ts";
import { executableOf, platforms } from "./platforms.ts";
import { digestOf, type Sum } from "./sums.ts";

export interface Notes {
  readonly version: string;
  /** The address below which the published files lie. */
  readonly url: string;
  readonly changelog: string;
  readonly sums: readonly Sum[];
}

/** The text, in Markdown. */
export function notesOf({ version, url, changelog, sums }: Notes): string {
  const executables = platforms.map((one) => `| ${one.name} | ${megabytes(sizeOf(sums, executableOf(one)))} | \`${digestOf(sums, executableOf(one))}\` |`);
  const others = sums.filter(({ name }) => !platforms.some((one) => executableOf(one) === name));
  const text = [
    `# 1mcp ${version}`,
    changesOf(changelog, version),
    "## Check what you have",
    "`SHA256SUMS` has the checksum of every file here; `SHA256SUMS.sig`, where it lies beside it, is the maintainer's signature of that list ([how](docs/releasing.md#what-a-user-can-check)).",
    "```sh\nsha256sum --check --ignore-missing SHA256SUMS\n1mcp version --verify SHA256SUMS\n```",
    "## Executables",
    ["| platform | size | SHA-256 |", "| --- | --: | --- |", ...executables].join("\n"),
    "## Archives, packages and papers",
    ["| file | size |", "| --- | --: |", ...others.map(({ name, bytes }) => `| ${name} | ${megabytes(bytes)} |`)].join("\n"),
    "",
  ].join("\n\n").trimEnd().concat("\n");
  return linked(text, url);
}

/** With links to the pages of this very version: beside the notes of a forge there are no pages. */
function linked(text: string, url: string): string {
  const { project, tag } = placeOf(url);
  return tag === null ? text : text.replaceAll(/\]\((?!https?:|#)/gu, `](${project}/blob/${tag}/`);
}

const sizeOf = (sums: readonly Sum[], name: string): number => sums.find((sum) => sum.name === name)?.bytes ?? 0;
const megabytes = (bytes: number): string => (bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** The changelog's part about this version; until it has one, what is unreleased. */
export function changesOf(changelog: string, version: string): string {
  const parts = changelog.split(/^(?=## )/m);
  const found = parts.find((part) => [version, `[${version}]`].includes(part.split(/\s/u, 2)[1] ?? "")) ?? parts.find((part) => part.startsWith("## Unreleased"));
  return found === undefined ? "" : found.replace(/^## .*\n/, "## What is new\n").trimEnd();
}
