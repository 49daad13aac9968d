import { describe, expect, test } from "bun:test";
import { filesOf } from "./rules/rule.ts";
import { eras, exceptions, heads, itself, names, unfinished } from "./rules/words.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("knows of eras in one room", () => expect(eras(tree)).toEqual([]));
  test("has no drawer without a name", () => expect(names(tree)).toEqual([]));
  test("leaves no note of what is still to do", () => expect(unfinished(tree)).toEqual([]));
  test("makes no exception from its gates", () => expect(exceptions(tree)).toEqual([]));
  test("says at the head of each file what it is for", () => expect(heads(tree)).toEqual([]));
  test("speaks of itself alone", () => expect(itself(tree)).toEqual([]));
});

describe("the rule on era words", () => {
  test.each([
    'if (method === "initialize") return;',
    'const method = "notifications/initialized";',
    'headers.get("Mcp-Session-Id");',
    'const m = "server/discover";',
    "const { resultType } = result;",
    'if (kind === "input_required") return;',
    'const version = "2025-11-25";',
    "const version = `2026-07-28`;",
    'const header = "last-event-id";',
  ])("catches %s outside the era room", (text) => {
    expect(eras(filesOf({ "src/front/a.ts": text }))).toHaveLength(1);
    expect(eras(filesOf({ "src/era/a.ts": text }))).toEqual([]);
  });

  test("allows a comment that cites a revision", () => {
    expect(eras(filesOf({ "src/front/a.ts": "// 2026-07-28, basic: Messages" }))).toEqual([]);
  });
});

describe("the rule on names", () => {
  test.each(["src/base/utils.ts", "src/hub/helpers.ts", "src/backend/poolManager.ts", "src/auth/tokenService.ts", "src/era/sessionV2.ts", "test/fixtures/common.ts", "src/cli/misc.ts"])("catches %s", (path) => {
    expect(names(filesOf({ [path]: "" }))).toEqual([`${path} is a drawer without a name`]);
  });

  test("catches a file name that is no word, and a class that says nothing", () => {
    expect(names(filesOf({ "src/hub/my-file.ts": "" }))).toHaveLength(1);
    expect(names(filesOf({ "src/hub/pool.ts": "class PoolManager {}" }))).toEqual(["src/hub/pool.ts:1 PoolManager says nothing"]);
  });

  test("allows words that only begin alike, and the command named service", () => {
    expect(names(filesOf({ "src/era/newcomer.ts": "", "src/cli/service.ts": "", "test/shared/link.ts": "", "src/catalog/tagquery.ts": "" }))).toEqual([]);
  });
});

describe("the rule on unfinished work", () => {
  test.each(["// TODO later", "/* FIXME */", "/** HACK: works */"])("catches %s", (text) => {
    expect(unfinished(filesOf({ "src/hub/a.ts": `const a = 1; ${text}` }))).toHaveLength(1);
  });
});

describe("the rule on exceptions", () => {
  test.each(["// oxlint-disable-next-line complexity -- long", "/* eslint-disable */", "// oxlint-disable-line", "// oxlint-disable-next-line eqeqeq, complexity -- so", "// oxlint-disable-next-line eqeqeq"])(
    "catches %s",
    (text) => expect(exceptions(filesOf({ "src/hub/a.ts": text }))).toHaveLength(1),
  );

  test("allows one that names its rule and its reason", () => {
    expect(exceptions(filesOf({ "src/hub/a.ts": "// oxlint-disable-next-line eqeqeq -- null and undefined are both meant" }))).toEqual([]);
  });
});

describe("the rule on head comments", () => {
  test("catches a file that begins with code, or with a note of one line", () => {
    expect(heads(filesOf({ "src/hub/a.ts": "const a = 1;" }))).toHaveLength(1);
    expect(heads(filesOf({ "src/hub/a.ts": "// a\nconst a = 1;" }))).toHaveLength(1);
  });

  test("allows a shebang before it", () => {
    expect(heads(filesOf({ "src/main.ts": "#!/usr/bin/env bun\n/** Runs. */\n" }))).toEqual([]);
  });
});

describe("the rule on foreign matters", () => {
  test.each(["see https://registry.example.org/hono", "fixes issue #12", "see issues 12", "cd /work/main", "in /root/x"])("catches %s", (text) => {
    expect(itself(filesOf({ "docs/a.md": `fine\n${text}` }))).toEqual([expect.stringContaining("docs/a.md:2")]);
  });

  test("allows relative paths and issues in general", () => {
    expect(itself(filesOf({ "docs/a.md": "src/work/a, ./root/b, open an issue, all issues at once" }))).toEqual([]);
  });
});
