import { describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { commandOf, shownCommands } from "../../src/cli/commands.ts";
import { exits, exitsOf, generalExits } from "../../src/cli/exits.ts";
import { parseCommandLine } from "../../src/cli/strict.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { projectDir } from "../fixtures/program.ts";

describe("the table of exit codes", () => {
  test("names commands that there are, and says one thing of each code of a command", () => {
    for (const { commands } of exits) for (const name of commands ?? []) expect([name, commandOf(name.split(" ")) !== null]).toEqual([name, true]);
    for (const { words } of shownCommands) {
      const codes = exitsOf(words.join(" ")).map(({ code }) => code);
      expect([words, new Set(codes).size]).toEqual([words, codes.length]);
    }
    expect(generalExits.map(({ code }) => code)).toEqual([0, 1, 2, 78]);
  });

  test("has every code of a command that fails in a way of its own", () => {
    for (const { words, failure } of shownCommands) if (failure !== null) expect(exitsOf(words.join(" ")).map(({ code }) => code)).toContain(failure);
  });

  test("agrees with what the page on servers says", async () => {
    const page = await readFile(join(projectDir, "docs", "servers.md"), "utf8");
    for (const { code } of exitsOf("mcp add")) expect(page).toContain(`\n| ${code} | `);
  });
});

/** What is typed, and the code that the table has for how that ends. */
const endings: readonly (readonly [line: string, code: number])[] = [
  ["config schema", 0],
  ["config shcema", 2],
  ["config check --config BAD", 78],
  ["serve --status", 3],
  ["status", 3],
  ["mcp status", 3],
  ["run demo/echo", 1],
  ["run --limit", 1],
  ["wait", 1],
  ["mcp remove nobody", 4],
  ["mcp update nobody --tag a", 4],
  ["mcp enable nobody", 4],
  ["mcp pins nobody", 4],
  ["mcp trust nobody", 4],
  ["mcp disable nobody", 4],
  ["mcp tools deny nobody a", 4],
  ["mcp pins nobody", 4],
  ["mcp trust nobody", 4],
  ["preset test --filter nothing", 1],
];

test.each(endings)("“%s” ends with %i where there is nothing yet, as the table says", async (line, code) => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}", { mode: 0o600 });
  await writeFile(folder.at("bad.json"), '{ "mcpServer": {} }', { mode: 0o600 });
  const argv = line.split(" ").map((word) => (word === "BAD" ? folder.at("bad.json") : word));
  const done = await runHere([...(line.includes("--config") ? [] : ["--config", folder.at("mcp.json")]), "--state-dir", folder.at("state"), ...argv], { HOME: folder.path });
  const read = parseCommandLine(argv);
  const own = read.ok ? exitsOf(read.command.words.join(" ")) : [];
  expect([done.code, [...own, ...generalExits].some((exit) => exit.code === code)]).toEqual([code, true]);
});
