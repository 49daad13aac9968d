import { expect, test } from "bun:test";
import { shownCommands } from "../../src/cli/commands.ts";
import { exits } from "../../src/cli/exits.ts";
import { environmentName, flags, isFor, variableOf } from "../../src/cli/flags.ts";
import { commandsPage, pagePath } from "./commands.ts";

const page = await Bun.file(pagePath).text();
/** The part of the page that is about one command. */
const partOf = (name: string): string => page.split(/^(?=#{2,3} )/mu).find((part) => part.startsWith(`### 1mcp ${name}\n`)) ?? "";

test("the page on the commands is what `bun run docs` makes of the tables", () => expect(page).toBe(commandsPage()));

test("every command is on it once, with its flags, their variables and its exit codes, and no hidden one", () => {
  for (const { words, about } of shownCommands) {
    const name = words.join(" ");
    const part = partOf(name);
    expect([name, part.includes(about), page.split(`### 1mcp ${name}\n`).length]).toEqual([name, true, 2]);
    for (const flag of flags.filter((one) => one.command !== null && isFor(one, name))) expect([name, part.includes(`--${flag.name}`), part.includes(`\`${environmentName(flag.name)}\``)]).toEqual([name, true, variableOf(flag, name) !== null]);
    for (const { code, about: when } of exits.filter(({ commands }) => commands?.includes(name))) expect(part).toContain(`| ${code} | ${when} |`);
  }
  expect(page).not.toMatch(/watchdog|supervise\b|mcp uninstall/u);
});

test("what its list of contents leads to is there", () => {
  const headings = new Set([...page.matchAll(/^#+ (.*)$/gmu)].map(([, text = ""]) => text.toLowerCase().replaceAll(" ", "-")));
  const links = [...page.matchAll(/\]\(#([^)]+)\)/gu)].map(([, anchor]) => anchor);
  expect(links).toHaveLength(shownCommands.length);
  for (const link of links) expect([link, headings.has(link ?? "")]).toEqual([link, true]);
});
