/** What every page says of commands, and where its links lead. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isBeginning } from "../../src/cli/commands.ts";
import { parseSettings } from "../../src/cli/flags.ts";
import { parseCommandLine } from "../../src/cli/strict.ts";
import { commandsOn, pageText } from "../fixtures/pages.ts";
import { projectDir } from "../fixtures/program.ts";

const paths = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ...readdirSync(join(projectDir, "docs"), { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".md")).map((path) => join("docs", path))];
const pages = new Map(await Promise.all(paths.map(async (path) => [path, await pageText(path)] as const)));

const { scripts } = (await Bun.file(join(projectDir, "package.json")).json()) as { readonly scripts: Readonly<Record<string, string>> };

/** A word that stands for something: NAME, FILE, or what is left out. */
const isPlaceholder = (text: string): boolean => /^[A-Z_…]+$/u.test(text);

/** What is wrong with the words of a command; null: nothing. */
function problemOf(words: readonly string[]): string | null {
  const named = words.filter((word) => word !== "…" && !/^\[.*\]?$|\]$/u.test(word));
  // Several commands at once, by the words that they begin with.
  if (isBeginning(named)) return null;
  if (["--help", "--version"].some((question) => named.includes(question))) return null;
  const read = parseCommandLine(named);
  if (!read.ok) return read.problem;
  const settings = parseSettings(new Map([...read.given].filter(([, value]) => !isPlaceholder(value))), {});
  return settings.ok ? null : settings.problem;
}

describe.each(paths)("%s", (path) => {
  const page = pages.get(path) ?? "";

  test("names only commands and flags that there are", () => {
    for (const words of commandsOn(page)) expect([words.join(" "), problemOf(words)]).toEqual([words.join(" "), null]);
  });

  test("names only scripts of the project that there are", () => {
    for (const [, script = ""] of page.matchAll(/\bbun(?:@[\d.]+)? run ([a-z]+)/gu)) expect([script, Object.hasOwn(scripts, script)]).toEqual([script, true]);
  });

  test("leads to pages and headings that there are", () => {
    const prose = page.replaceAll(/^```.*?^```/gmsu, "");
    for (const [, link = ""] of prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/gu)) {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : relative(projectDir, join(projectDir, dirname(path), file));
      expect([link, existsSync(join(projectDir, target))]).toEqual([link, true]);
      if (anchor !== undefined && pages.has(target)) expect([link, anchorsOf(pages.get(target) ?? "").has(anchor)]).toEqual([link, true]);
    }
  });
});

/** The anchors of a page's headings, as they are made where pages are shown. */
const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set([...page.replaceAll(/^```.*?^```/gmsu, "").matchAll(/^#+ (.*)$/gmu)].map(([, text = ""]) => text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")));

test("commands are found in blocks and in the text, in all the ways in which they are written", () => {
  const page = "Say `1mcp status` or `sudo -u me 1mcp status --json`.\n\n```sh\n1mcp mcp add a --tag 'b c' -- npx -y x # why\nX=1 && 1mcp serve > log; cat < x | 1mcp run a/b\nsource <(1mcp completion bash)\n```\n";
  expect(commandsOn(page)).toEqual([["mcp", "add", "a", "--tag", "b c", "--", "npx", "-y", "x"], ["serve"], ["run", "a/b"], ["completion", "bash"], ["status"], ["status", "--json"]]);
  expect([problemOf(["status", "--jsno"]), problemOf(["mcp", "…"]), problemOf(["preset"]), problemOf(["statsu"])]).toEqual([expect.any(String), null, null, expect.any(String)]);
});
