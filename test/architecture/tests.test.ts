import { describe, expect, test } from "bun:test";
import { filesOf } from "./rules/rule.ts";
import { honest, mirror } from "./rules/tests.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("has a test beside every file", () => expect(mirror(tree)).toEqual([]));
  test("has no test that mocks, skips, waits or repeats", () => expect(honest(tree)).toEqual([]));
});

describe("the mirror rule", () => {
  test("catches a file without its test, and a test that expects nothing", () => {
    expect(mirror(filesOf({ "src/hub/a.ts": "const a = 1;" }))).toEqual(["src/hub/a.ts has no test/hub/a.test.ts"]);
    expect(mirror(filesOf({ "src/hub/a.ts": "function a() {}", "test/hub/a.test.ts": "// expect" }))).toEqual(["test/hub/a.test.ts expects nothing"]);
  });

  test("leaves out doors and types, and nothing else", () => {
    expect(mirror(filesOf({ "src/hub/index.ts": 'export { a } from "./a.ts";', "src/hub/types.ts": "export interface A { b: () => void }", "src/hub/a.ts": "class A {}", "test/hub/a.test.ts": "expect(1)" }))).toEqual([]);
    expect(mirror(filesOf({ "src/main.ts": "await start();" }))).toEqual(["src/main.ts has no test/main.test.ts"]);
  });
});

describe("the rule on honest tests", () => {
  test.each([
    'mock.module("./a.ts", () => ({}));',
    'vi.mock("./a.ts");',
    'test.only("a", f);',
    'describe.only("a", f);',
    'test.todo("a");',
    'test.failing("a", f);',
    "await Bun.sleep(100);",
    "setDefaultTimeout(60_000);",
    'test("a", f, { retry: 3 });',
    'expect(asked()).rejects.toThrow("no");',
    'test("a", async () => {\n  for (const one of all) expect(asked(one)).resolves.toBe(1);\n});',
  ])("catches %s", (text) => {
    expect(honest(filesOf({ "test/hub/a.test.ts": text }))).toHaveLength(1);
  });

  test("lets a promise be waited for, or given to who does", () => {
    const texts = ['await expect(asked()).rejects.toThrow("no");', 'test("a", () => expect(asked()).rejects.toThrow());', "await Promise.all([expect(a).resolves.toBe(1)]);", 'expect(asked(".rejects", x.rejects)).toBe(1);'];
    expect(texts.flatMap((text) => honest(filesOf({ "test/hub/a.test.ts": text })))).toEqual([]);
  });

  test("lets a fixture program be slow", () => {
    expect(honest(filesOf({ "test/fixtures/slow.ts": "await Bun.sleep(100);" }))).toEqual([]);
  });
});
