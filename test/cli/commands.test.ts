import { expect, test } from "bun:test";
import { commandOf, commands, isBeginning, nextWords, shownCommands } from "../../src/cli/commands.ts";

test("commands are found by exactly their words", () => {
  expect(commandOf(["config", "check"])?.about).toBe("say everything that is wrong with the configuration");
  expect(commandOf(["config"])).toBeNull();
  expect(commandOf(["config", "check", "x"])).toBeNull();
  expect(isBeginning(["config"])).toBeTrue();
  expect(isBeginning(["check"])).toBeFalse();
});

test("the words that may follow leave out what people are not told of, if asked so", () => {
  expect(nextWords([])).toEqual(["serve", "proxy", "status", "audit", "mcp", "preset", "app", "explain", "instructions", "inspect", "run", "wait", "approve", "open", "token", "auth", "config", "doctor", "completion", "service", "version", "demo", "supervise", "watchdog"]);
  expect(nextWords([], shownCommands)).toEqual(["serve", "proxy", "status", "audit", "mcp", "preset", "app", "explain", "instructions", "inspect", "run", "wait", "approve", "open", "token", "auth", "config", "doctor", "completion", "service", "version"]);
  expect(nextWords(["config"])).toEqual(["check", "schema", "reload", "backup", "backups", "restore", "diff", "edit"]);
  expect(nextWords(["serve"])).toEqual([]);
});

test("every command can be loaded", async () => {
  for (const command of commands) expect(await command.load()).toBeFunction();
});
