import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import type { Reloaded } from "../../src/compose/index.ts";
import { fault } from "../../src/base/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

const came = (result: Reloaded["result"], path: string | null): Reloaded => ({ result, path, change: { added: [], removed: [], changed: [], kept: [] }, issues: [], restart: [], reason: null });

test("a running server is told, and the command says what became of the change", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  for (const [result, served, code, said] of [
    ["changed", path, 0, "the running server has it"],
    ["unchanged", path, 0, "the running server has it"],
    ["unchanged", folder.at("other.json"), 0, "the running server has another file and is as it was"],
    ["unchanged", null, 0, "the running server has another file and is as it was"],
    ["rejected", path, 1, "refuses the file and goes on as it was: `1mcp config reload` says why"],
    ["failed", path, 1, "could not put it in place"],
  ] as const) {
    await writeFile(path, "{}");
    await using running = await operated({}, () => Promise.resolve(came(result, served)));
    const here = await runHere(["preset", "create", "p", "--filter", "a", "--config", path, ...running.flags]);
    expect([here.code, here.stdout.includes(said)]).toEqual([code, true]);
  }
});

test("one that runs and does not answer is not taken for none", async () => {
  await using folder = await createFolder();
  await using running = await operated();
  await running.close();
  const here = await runHere(["mcp", "add", "a", "--config", folder.at("mcp.json"), ...running.flags, "--", "x"]);
  expect([here.code, here.stdout]).toEqual([0, `server “a” is added\n  file:    ${folder.at("mcp.json")}\n  server:  one runs that does not answer now; it looks at the file by itself\n`]);
});

test("nobody is told where nothing was written", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{ "presets": { "p": { "filter": "a" } } }');
  let told = 0;
  await using running = await operated({}, () => Promise.resolve(came("changed", (told += 1) > 0 ? path : null)));
  for (const argv of [["edit", "p", "--filter", "a"], ["edit", "p", "--filter", "b", "--dry-run"]]) expect((await runHere(["preset", ...argv, "--config", path, ...running.flags])).code).toBe(0);
  expect([told, await readFile(path, "utf8")]).toEqual([0, '{ "presets": { "p": { "filter": "a" } } }']);
});

test("without --config it is the default file", async () => {
  await using folder = await createFolder();
  const here = await runHere(["preset", "create", "p", "--filter", "a", "--state-dir", folder.at("state")], { HOME: folder.path, XDG_CONFIG_HOME: folder.at("config") });
  expect(here.code).toBe(0);
  expect(await readFile(folder.at("config", "1mcp", "mcp.json"), "utf8")).toContain('"p"');
});

test("a server that goes after it took the change makes no failure of it; one that cannot say how it is does", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const closing: (() => Promise<void>)[] = [];
  await using running = await operated({}, () => Promise.resolve(came("changed", path)), {
    actions: [
      {
        method: "POST",
        path: "/servers/:id/settled",
        run() {
          const [close] = closing;
          if (close === undefined) throw fault("STATE_BROKEN", { detail: "it forgot" });
          return close().then(() => Promise.withResolvers().promise);
        },
      },
    ],
  });
  const add = (name: string) => runHere(["mcp", "add", name, "--config", path, ...running.flags, "--", "x"]);
  expect(await add("a")).toMatchObject({ code: 1, stderr: expect.stringContaining("it forgot") });
  closing.push(running.close);
  const gone = await add("b");
  expect([gone.code, gone.stdout]).toEqual([0, expect.stringContaining("the running server has it")]);
});
