import { expect, test } from "bun:test";
import { configPathOf, membersOf } from "../../src/cli/configPath.ts";
import { parseSettings } from "../../src/cli/flags.ts";

test("the file is the one that was named, from here, else the one at the default place", () => {
  const at = (given: Record<string, string>) => {
    const parsed = parseSettings(new Map(Object.entries(given)), {});
    return parsed.ok ? configPathOf({ settings: parsed.settings, env: { XDG_CONFIG_HOME: "/conf", APPDATA: "C:\\conf", HOME: "/h" } }) : parsed.problem;
  };
  expect(at({ config: "/a/../b.json" })).toBe("/b.json");
  if (process.platform !== "win32") expect(at({})).toBe("/conf/1mcp/mcp.json");
});

test("what is no object has no members", () => expect([membersOf({ a: 1 }), membersOf([1]), membersOf(null), membersOf("x")]).toEqual([{ a: 1 }, {}, {}, {}]));
