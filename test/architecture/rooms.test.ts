import { describe, expect, test } from "bun:test";
import { unused } from "./rules/exports.ts";
import { importsOf } from "./rules/imports.ts";
import { cycles, dead, doors, roomTable, rooms } from "./rules/rooms.ts";
import { filesOf } from "./rules/rule.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("keeps the room table", () => expect(rooms(tree)).toEqual([]));
  test("goes in and out by the doors", () => expect(doors(tree)).toEqual([]));
  test("has no cycle", () => expect(cycles(tree)).toEqual([]));
  test("has no dead file", () => expect(dead(tree)).toEqual([]));
  test("offers nothing that nobody takes", () => expect(unused(tree)).toEqual([]));
});

describe("the room table", () => {
  test("has forty edges between rooms and no cycle of its own", () => {
    const edges = Object.entries(roomTable).filter(([room]) => !room.endsWith(".ts")).flatMap(([, allowed]) => allowed);
    expect(edges).toHaveLength(40);
    const order = Object.keys(roomTable).filter((room) => !room.endsWith(".ts"));
    for (const room of order) for (const to of roomTable[room] ?? []) expect(order.indexOf(to)).toBeLessThan(order.indexOf(room));
  });

  test.each([
    ["front", "backend"],
    ["front", "catalog"],
    ["hub", "era"],
    ["hub", "auth"],
    ["hub", "front"],
    ["catalog", "backend"],
    ["backend", "hub"],
    ["era", "config"],
    ["base", "protocol"],
    ["front", "compose"],
    ["cli", "hub"],
  ])("catches %s importing %s, also as a type", (from, to) => {
    const value = filesOf({ [`src/${from}/a.ts`]: `import { x } from "../${to}/index.ts";\nx();` });
    const type = filesOf({ [`src/${from}/a.ts`]: `\nimport type { X } from "../${to}/index.ts";` });
    expect(rooms(value)).toEqual([`src/${from}/a.ts:1 ${from} may not import ${to}`]);
    expect(rooms(type)).toEqual([`src/${from}/a.ts:2 ${from} may not import ${to}`]);
  });

  test("catches a room that nobody planned, and an import from outside the source", () => {
    expect(rooms(filesOf({ "src/extra/a.ts": "" }))).toEqual(["src/extra/a.ts lies in no room of the table"]);
    expect(rooms(filesOf({ "src/base/a.ts": 'import "../../test/x.ts";' }))).toEqual(["src/base/a.ts:1 base may not import test/x.ts"]);
  });

  test("allows what the table allows", () => {
    expect(rooms(filesOf({ "src/hub/a.ts": 'import { call } from "../backend/index.ts";\nimport { b } from "./b.ts";' }))).toEqual([]);
  });
});

describe("the door rule", () => {
  const door = { "src/base/index.ts": "", "src/base/log.ts": "" };

  test.each([
    ["an import past the door", { ...door, "src/hub/a.ts": 'import { x } from "../base/log.ts";' }, "climbs into src/base/log.ts past its door"],
    ["a type past the door", { ...door, "src/hub/a.ts": 'import type { X } from "../base/log.ts";' }, "climbs into src/base/log.ts past its door"],
    ["a file that uses its own room's door", { ...door, "src/base/a.ts": 'import { x } from "./index.ts";' }, "goes out of its own door to come in again"],
    ["a door that re-exports everything", { ...door, "src/hub/index.ts": 'export * from "../base/index.ts";' }, "re-exports everything instead of names"],
    ["an import of nothing", { "src/hub/a.ts": 'import { x } from "./gone.ts";' }, "imports src/hub/gone.ts, which does not exist"],
  ])("catches %s", (_what, files, problem) => {
    expect(doors(filesOf(files))).toEqual([expect.stringContaining(problem)]);
  });
});

describe("the rule against cycles", () => {
  test("catches a circle over three files, one edge a type", () => {
    const files = filesOf({
      "src/base/a.ts": 'import { b } from "./b.ts";',
      "src/base/b.ts": 'import type { C } from "./c.ts";',
      "src/base/c.ts": 'export { a } from "./a.ts";',
    });
    expect(cycles(files)).toEqual(["src/base/a.ts reaches itself: src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts"]);
  });

  test("catches a lazy circle and a file that imports itself", () => {
    expect(cycles(filesOf({ "src/base/a.ts": 'await import("./b.ts");', "src/base/b.ts": 'import "./a.ts";' }))).toHaveLength(1);
    expect(cycles(filesOf({ "src/base/a.ts": 'import "./a.ts";' }))).toHaveLength(1);
  });

  test("allows two ways to one file", () => {
    expect(cycles(filesOf({ "src/base/a.ts": 'import "./b.ts";\nimport "./c.ts";', "src/base/b.ts": 'import "./c.ts";', "src/base/c.ts": "" }))).toEqual([]);
  });
});

describe("the rule against dead files", () => {
  test("catches a file that nobody imports, and one that only the dead import", () => {
    const files = filesOf({ "src/main.ts": 'import("./cli/index.ts");', "src/cli/index.ts": "", "src/cli/lost.ts": 'import "./also.ts";', "src/cli/also.ts": "" });
    expect(dead(files)).toEqual(["src/cli/lost.ts is reached by nobody from src/main.ts", "src/cli/also.ts is reached by nobody from src/main.ts"]);
  });
});

describe("the rule against unused exports", () => {
  test("catches a value that nobody imports, and one that a door passes on to nobody", () => {
    const files = filesOf({
      "src/base/a.ts": "export const used = 1;\nexport async function lost() {}\nexport class Gone {}\nexport interface Shape {}\nexport type Other = 1;",
      "src/base/index.ts": 'export { type Shape, used as known, used } from "./a.ts";',
      "src/hub/a.ts": 'import { known } from "../base/index.ts";',
    });
    expect(unused(files)).toEqual([
      "src/base/a.ts exports lost, which nobody takes",
      "src/base/a.ts exports Gone, which nobody takes",
      "src/base/index.ts exports used, which nobody takes",
    ]);
  });

  test("takes a test, a namespace and a lazy import for takers", () => {
    const text = "export const a = 1;";
    for (const taker of ['import { a } from "../../src/base/a.ts";', 'import * as all from "../../src/base/a.ts";', 'await import("../../src/base/a.ts");']) {
      expect(unused(filesOf({ "src/base/a.ts": text, "test/base/a.test.ts": taker }))).toEqual([]);
    }
  });
});

describe("the import reader", () => {
  const read = (text: string) => importsOf("src/hub/a.ts", text).map(({ specifier, names }) => `${specifier} ${names.join(" ")}`.trim());

  test.each([
    ['import "./a.ts";', ["./a.ts"]],
    ['import a, { b as c, type D } from "./a.ts";', ["./a.ts default b D"]],
    ["import * as all from './a.ts'", ["./a.ts *"]],
    ['import type {\n  A,\n  B,\n} from "./a.ts";', ["./a.ts A B"]],
    ['export { a as b } from "./a.ts";', ["./a.ts a"]],
    ['export type { A } from "./a.ts";', ["./a.ts A"]],
    ['export * from "./a.ts";', ["./a.ts *"]],
    ['const a = await import("./a.ts");', ["./a.ts"]],
    ['let a: import("./a.ts").A;', ["./a.ts"]],
    ['import config from "./a.json" with { type: "json" };', ["./a.json default"]],
  ])("sees %s", (text, found) => expect(read(text)).toEqual(found));

  test.each([
    '// import "./a.ts";',
    '/* import { a } from "./a.ts"; */',
    "const text = 'import \"./a.ts\"';",
    'const text = `import "./a.ts"`;',
    'export const from = "./a.ts";',
    'export function from() { return "./a.ts"; }',
    "const pattern = /import '.\\/a.ts'/;",
  ])("sees none in %s", (text) => expect(read(text)).toEqual([]));

  test("is not led astray by quotes in templates, patterns and divisions", () => {
    expect(read("const a = `${b['`']} it's`; const c = /[\"'`]/; const d = e / f; // it's\nimport './last.ts';")).toEqual(["./last.ts"]);
  });
});
