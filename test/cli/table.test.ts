import { expect, test } from "bun:test";
import { tableText } from "../../src/cli/table.ts";

const rows = [["A", "LONG"], ["x\u001b[2J", "y\tz"]];

test("a table has columns for a person, and tabs for a pipe", async () => {
  expect(await tableText(rows, { isTerminal: async () => true })).toBe("A           LONG\nx\\u001b[2J  y\\u0009z\n");
  expect(await tableText(rows, { isTerminal: async () => false })).toBe("A\tLONG\nx\\u001b[2J\ty\\u0009z\n");
});
