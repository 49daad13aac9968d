import { describe, expect, test } from "bun:test";
import { filesOf } from "./rules/rule.ts";
import { state } from "./rules/state.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

test("this house keeps no state at module level", () => expect(state(tree)).toEqual([]));

describe("the rule against module-level state", () => {
  const judge = (text: string) => state(filesOf({ "src/base/a.ts": text }));

  test.each([
    ["let count = 0;", "let"],
    ["export let current: Snapshot | null = null;", "let"],
    ["var old = 1;", "var"],
    ["const seen = new Map<string, number>();", "Map"],
    ["const seen: ReadonlySet<string> = new Set(['a']);", "Set"],
    ["export const cache = new WeakMap();", "WeakMap"],
    ["const cells = Object.freeze({ seen: new Map() });", "Map"],
    ["const emitter = new EventEmitter();", "EventEmitter"],
    ["const list: string[] = [];", "not frozen"],
    ["const table: Record<string, (a: number) => string> = {};", "not frozen"],
    ["const pool = createPool({});", "singleton"],
    ["export const hub = getInstance();", "singleton"],
    ["class A { static count = 0; }", "static"],
    ["class A { static #one: A | null = null; }", "static"],
  ])("catches %s", (text, problem) => {
    expect(judge(text)).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    "const limit = 4 * 1024;",
    "const names = Object.freeze(['a', 'b']);",
    "const pattern = /a/;",
    "export const f = (x: number): number => { let y = x; const m = new Map(); return y + m.size; };",
    "const make = function () { return new Map(); };",
    "const encoder = new TextEncoder();",
    "class A { static readonly limit = 1; static of(): A { return new A(); } readonly #seen = new Map(); }",
    "export function g() { let x = []; return x; }",
    "interface A { static: boolean }",
  ])("allows %s", (text) => expect(judge(text)).toEqual([]));
});
