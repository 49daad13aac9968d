import { describe, expect, test } from "bun:test";
import { boundaries, builders, built, fileWrites, owners } from "./rules/boundaries.ts";
import { filesOf } from "./rules/rule.ts";
import { readTree } from "./tree.ts";

const tree = await readTree();

describe("this house", () => {
  test("touches the outside world in one named file each", () => expect(boundaries(tree)).toEqual([]));
  test("writes files in one file", () => expect(fileWrites(tree)).toEqual([]));
  test("is put together in one place", () => expect(built(tree)).toEqual([]));
  test("has builders for all of its parts", () => {
    const sources = [...tree].filter(([path]) => path.startsWith("src/")).map(([, text]) => text);
    const missing = Object.keys(builders).filter((name) => !sources.some((text) => new RegExp(`export (?:async )?(?:function|const) ${name}\\b`).test(text)));
    expect(missing).toEqual([]);
  });
  test("has each part built where the table says that it is", () => {
    const idle = Object.entries(builders).filter(([name, builder]) => ![...tree].some(([path, text]) => path.startsWith(builder) && new RegExp(`(?<!function )\\b${name}\\(`).test(text)));
    expect(idle).toEqual([]);
  });
  test("has files written by their owners alone", () => expect(owners(tree)).toEqual([]));
});

describe("the boundary rule", () => {
  test.each([
    ["Bun.spawn(['x']);", "src/backend/stdio.ts"],
    ["Bun.spawnSync(['x']);", "src/backend/stdio.ts"],
    ["await Bun.$`ls`;", "src/backend/stdio.ts"],
    ["import { exec } from 'node:child_process';", "src/backend/stdio.ts"],
    ["await fetch('http://127.0.0.1');", "src/base/egress.ts"],
    ["const get = fetch;", "src/base/egress.ts"],
    ["globalThis.fetch('x');", "src/base/egress.ts"],
    ["new WebSocket('ws://127.0.0.1');", "src/base/egress.ts"],
    ["import http from 'node:http';", "src/base/egress.ts"],
    ["const net = await import('net');", "src/base/egress.ts"],
    ["process.getBuiltinModule('node:net').connect(1);", "src/base/egress.ts"],
    ["process.getBuiltinModule(name);", "src/base/egress.ts"],
    ["process.getBuiltinModule('node:' + name);", "src/base/egress.ts"],
    ["process.getBuiltinModule('child_process');", "src/backend/stdio.ts"],
    ["const { dlopen } = await import('bun:ffi');", "src/base/libc.ts"],
    ["process.exit(1);", "src/main.ts"],
    ["const home = process.env['HOME'];", "src/config/env.ts"],
    ["const home = Bun.env.HOME;", "src/config/env.ts"],
    ["import { Database } from 'bun:sqlite';", "src/auth/store.ts"],
    ["const t = Date.now();", "src/base/clock.ts"],
    ["setTimeout(f, 1);", "src/base/clock.ts"],
    ["const r = Math.random();", "src/base/clock.ts"],
    ["await Bun.write('a', 'b');", "src/base/files.ts"],
  ])("catches %s", (text, only) => {
    expect(boundaries(filesOf({ "src/hub/a.ts": text }))).toEqual([expect.stringMatching(new RegExp(`^src/hub/a.ts:1 .*only ${only} may$`))]);
    expect(boundaries(filesOf({ [only]: text }))).toEqual([]);
  });

  test.each(["app.fetch(request);", "const served = { fetch: handle };", "// process.exit(1)", "const text = 'Bun.spawn';", "interface A { fetch?: () => void }", "process.getBuiltinModule('node:crypto').sign();"])("allows %s", (text) => {
    expect(boundaries(filesOf({ "src/hub/a.ts": text }))).toEqual([]);
  });

  test("is not hidden from by a template", () => {
    expect(boundaries(filesOf({ "src/hub/a.ts": "const t = `${`${process.env.X}`}`;" }))).toHaveLength(1);
  });
});

describe("the rule on file writes", () => {
  test.each([
    "import { writeFileSync } from 'node:fs';",
    "process.getBuiltinModule('node:fs').writeFileSync('a', 'b');",
    "import { readFile, rename } from 'node:fs/promises';",
    "import fs from 'node:fs';",
    "import * as fs from 'fs';",
    "const fs = await import('node:fs/promises');",
    "import { open } from 'node:fs/promises'; await open(path, \"r\"); await open(path(1), \"w\");",
  ])("catches %s", (text) => {
    expect(fileWrites(filesOf({ "src/hub/a.ts": text }))).toHaveLength(1);
    expect(fileWrites(filesOf({ "src/base/files.ts": text }))).toEqual([]);
  });

  test("allows reading and watching", () => {
    expect(fileWrites(filesOf({ "src/config/watch.ts": "import { type FSWatcher, readFileSync, watch } from 'node:fs';" }))).toEqual([]);
  });

  test("allows a file opened to be read", () => {
    expect(fileWrites(filesOf({ "src/config/load.ts": 'import { open } from "node:fs/promises"; await open(join(a, "b"), "r");' }))).toEqual([]);
  });

  test("catches a writer that owns no file", () => {
    const text = 'import { writeFileAtomic } from "../base/index.ts";';
    expect(owners(filesOf({ "src/hub/serve.ts": text }))).toEqual(["src/hub/serve.ts:1 writes files (writeFileAtomic) without being an owner of one"]);
    expect(owners(filesOf({ "src/hub/remember.ts": text }))).toEqual([]);
  });
});

describe("the rule on builders", () => {
  test("catches a part that is built elsewhere, and a link that goes past the breaker", () => {
    expect(built(filesOf({ "src/front/a.ts": "const pool = createPool({});" }))).toEqual(["src/front/a.ts:1 builds a part of its own (createPool); only src/compose/core.ts does"]);
    expect(built(filesOf({ "src/hub/a.ts": "createStdioLink(spec);" }))).toHaveLength(1);
  });

  test("catches a part that is built in another file of the room, and takes the whole room where it says so, but no room with a like name", () => {
    expect(built(filesOf({ "src/compose/bridge.ts": "createHub({});" }))).toEqual(["src/compose/bridge.ts:1 builds a part of its own (createHub); only src/compose/core.ts does"]);
    expect(built(filesOf({ "src/compose/a.ts": "createEgress({});", "src/compose/b.ts": "createEgress({});" }))).toEqual([]);
    expect(built(filesOf({ "src/composer/a.ts": "createEgress({});" }))).toEqual(["src/composer/a.ts:1 builds a part of its own (createEgress); only src/compose/ does"]);
  });

  test("allows the builder, the definition, and a part that is passed in", () => {
    expect(built(filesOf({ "src/compose/core.ts": "createPool({});", "src/backend/pool.ts": "export function createPool() { createHttpLink(); }", "src/hub/a.ts": "const make = createPool; options.createPool(events);" }))).toEqual([]);
  });
});
