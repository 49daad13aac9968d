import { expect, test } from "bun:test";
import { Fault } from "../../src/base/index.ts";
import { explainActions } from "../../src/front/explain.ts";

const asked: unknown[] = [];
const presets = new Map([["dev", { name: "dev", description: null, filter: "a", query: { kind: "tag", name: "a" } as const }]]);
const actions = explainActions({ explain: (tool) => (asked.push(tool), []), selected: (filter) => (asked.push(filter), []), presets: () => presets });
const run = (path: string, body: unknown): unknown => {
  try {
    return actions.find((action) => action.path === path)?.run({ id: "", body });
  } catch (thrown) {
    return thrown instanceof Fault ? `${thrown.code} ${thrown.message}` : thrown;
  }
};

test("the operator asks about a tool and about an expression, which reach the hub in canonical form", () => {
  expect(actions.map(({ method, path }) => `${method} ${path}`)).toEqual(["POST /explain", "POST /selection"]);
  expect(run("/explain", { name: "t", scopes: ["tag:a"], filter: "a,b" })).toEqual([]);
  expect(run("/explain", { name: "t", scopes: null, filter: null })).toEqual([]);
  expect(run("/selection", { filter: "preset:dev -b" })).toEqual([]);
  expect(asked).toEqual([{ name: "t", scopes: ["tag:a"], filter: "a || b" }, { name: "t", scopes: null, filter: null }, "preset:dev && !b"]);
});

test("what cannot be meant is refused", () => {
  expect(run("/explain", { name: 1 })).toStartWith("PARAMS_INVALID");
  expect(run("/selection", undefined)).toStartWith("PARAMS_INVALID");
  expect(run("/selection", { filter: "a &" })).toContain("SELECTION_INVALID the selection of servers cannot be used (character 3: AND is written");
  expect(run("/selection", { filter: "preset:gone" })).toContain("there is no preset “gone” in the running configuration");
});
