import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { configPathOf, membersOf, pathOf, stateDirOf } from "../../src/cli/configPath.ts";
import { parseSettings } from "../../src/cli/flags.ts";

test("file and folder are those that were named, from here, else those at the default place", () => {
  const at = (given: Record<string, string>) => {
    const parsed = parseSettings(new Map(Object.entries(given)), {});
    return parsed.ok ? [configPathOf, stateDirOf].map((of) => of({ settings: parsed.settings, env: { XDG_CONFIG_HOME: "/conf", XDG_STATE_HOME: "/state", APPDATA: "C:\\conf", LOCALAPPDATA: "C:\\state", HOME: "/h" } })) : parsed.problem;
  };
  expect(at({ config: "/a/../b.json", "state-dir": "s" })).toEqual(["/b.json", resolve("s")]);
  if (process.platform !== "win32") expect(at({})).toEqual(["/conf/1mcp/mcp.json", "/state/1mcp"]);
});

test("a path is taken from here, and none stays none", () => expect([pathOf("a"), pathOf(null)]).toEqual([resolve("a"), null]));

test("what is no object has no members", () => expect([membersOf({ a: 1 }), membersOf([1]), membersOf(null), membersOf("x")]).toEqual([{ a: 1 }, {}, {}, {}]));
