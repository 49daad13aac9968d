import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { run } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";

const original = `{
  "mcpServers": {
    "git": { "command": "npx", "args": ["-y", "git-mcp", "--api-key", "s3cr3t", "--token=s3cr3t", { "$file": "x" }], "tags": ["Code"], "env": { "KEY": "s3cr3t" }, "cwd": "/w" },
    "web": { "url": "https://me:s3cr3t@h:1/mcp?key=s3cr3t#x", "headers": { "Authorization": "s3cr3t" }, "tags": ["net"] },
    "old": { "url": "http://h/sse", "type": "sse", "disabled": true },
    "list": { "command": "x", "env": ["A=s3cr3t", "B"] }, "new": { "url": "http://h", "type": "streamableHttp" },
    "odd": 5
  },
  "mistake": true
}`;

async function given(text: string) {
  const folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, text, { mode: 0o600 });
  return { path, run: (...argv: string[]) => runHere(["mcp", "list", "--config", path, ...argv]), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("the servers are listed whatever else is wrong in the file, and no secret is among what is shown", async () => {
  await using at = await given(original);
  const { code, stdout } = await at.run();
  expect([code, stdout]).toEqual([0, "SERVER\tIS\tTYPE\tTAGS\tTARGET\ngit\ton\tstdio\tCode\tnpx -y git-mcp --api-key [secret] [secret] [secret]\nweb\ton\tauto\tnet\thttps://h:1/mcp\nlist\ton\tstdio\t-\tx\nnew\ton\thttp\t-\thttp://h\nodd\ton\tauto\t-\t-\n"]);
  const verbose = (await at.run("--verbose", "--show-disabled")).stdout;
  expect(verbose).toContain("\ngit\n  cwd:      /w\n  env:      KEY\n");
  expect(verbose).toContain("\nweb\n  headers:  Authorization\n");
  expect(verbose).toContain("\nold\toff\tsse\t-\thttp://h/sse\n");
  expect((await at.run("--tags", "CODE, x")).stdout.split("\n").length).toBe(3);
});

test("as JSON they all are there, each in the one shape", async () => {
  await using at = await given(original);
  const { stdout } = await at.run("--json");
  const all = JSON.parse(stdout) as { name: string; env: string[] }[];
  expect(all.map(({ name }) => name)).toEqual(["git", "web", "old", "list", "new", "odd"]);
  expect(all[1]).toEqual({ name: "web", type: "auto", disabled: false, tags: ["net"], command: null, args: [], cwd: null, url: "https://h:1/mcp", env: [], headers: ["Authorization"] } as never);
  expect(all[3]?.env).toEqual(["A", "B"]);
  expect(stdout).not.toContain("s3cr3t");
});

test("a person is told how many are left out", async () => {
  await using at = await given(original);
  const [stdout, stderr] = [keptOutput(true), keptOutput()];
  await run({ argv: ["mcp", "list", "--config", at.path], env: {}, stdout, stderr, signals: process, pipes: () => ({}) as never, clock: null, selfArgv: [] });
  expect(stdout.text()).toEndWith("1 more is switched off: --show-disabled\n");
});

test("no file, and a file that is no JSON, are told", async () => {
  await using at = await given("{ oops");
  expect(await at.run()).toMatchObject({ code: 78, stderr: expect.stringContaining("mcp.json:1:3:") as string });
  expect(await runHere(["mcp", "list", "--config", `${at.path}.none`])).toMatchObject({ code: 78, stderr: expect.stringContaining("`1mcp mcp add NAME -- COMMAND` makes it") as string });
});
