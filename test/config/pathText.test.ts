import { expect, test } from "bun:test";
import { pathText } from "../../src/config/index.ts";

test("a path in words", () => {
  expect(pathText(["mcpServers", "a", "args", 2])).toBe("mcpServers.a.args[2]");
  expect(pathText([])).toBe("");
});
