import { expect, test } from "bun:test";
import { Fault } from "../../src/base/index.ts";
import { parseSettings } from "../../src/cli/flags.ts";
import { filterOf } from "../../src/cli/selection.ts";
import { keptOutput } from "../fixtures/cli.ts";

function filterIn(typed: Record<string, string>, env: Record<string, string> = {}) {
  const given = new Map(Object.entries(typed));
  const parsed = parseSettings(given, env);
  if (!parsed.ok) throw new Error(parsed.problem);
  const stderr = keptOutput();
  try {
    return { filter: filterOf({ settings: parsed.settings, given, stderr }), stderr: stderr.text() };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return { code: thrown.code, message: thrown.message, stderr: stderr.text() };
  }
}

test("each flag comes to one canonical expression, and none to none", () => {
  expect(filterIn({}).filter).toBeNull();
  expect(filterIn({ preset: "dev" }).filter).toBe("preset:dev");
  expect(filterIn({ tags: "A, b c" }).filter).toBe('a || "b c"');
  expect(filterIn({ "tag-filter": "a+b" }).filter).toBe("a && b");
  expect(filterIn({ filter: "-a" }).filter).toBe("!a");
});

test("two of them are refused", () => {
  expect(filterIn({ preset: "dev", filter: "a" })).toMatchObject({ code: "USAGE", message: expect.stringContaining("--preset and --filter are given") as string });
});

test("what is typed wins over what the environment says, whichever of the flags it is", () => {
  expect(filterIn({ filter: "a" }, { ONE_MCP_PRESET: "dev" })).toMatchObject({ filter: "a" });
  expect(filterIn({}, { ONE_MCP_PRESET: "dev" }).filter).toBe("preset:dev");
  expect(filterIn({}, { ONE_MCP_PRESET: "dev", ONE_MCP_TAGS: "a" })).toMatchObject({ code: "USAGE" });
});

test("a mistake has a caret under it", () => {
  expect(filterIn({ filter: "web && (a" })).toEqual({ code: "USAGE", message: "the command line is not valid (--filter, character 8: this parenthesis is not closed)", stderr: "  web && (a\n         ^\n" });
});
