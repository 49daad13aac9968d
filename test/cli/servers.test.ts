import { describe, expect, test } from "bun:test";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { fault, Tail, defaultLimits, systemClock } from "../../src/base/index.ts";
import type { BackendStatus } from "../../src/backend/index.ts";
import { serverActions } from "../../src/front/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";
import { operated } from "../fixtures/operated.ts";
import { statusOf } from "../fixtures/pool.ts";

const original = `{
  // the servers
  "mcpServers": {
    "git": { "command": "x" }, // daily
    "off": { "command": "y", "disabled": true }
  }
}
`;

async function given(text: string | null = original) {
  const folder = await createFolder();
  const path = folder.at("conf", "mcp.json");
  if (text !== null) await Bun.write(path, text);
  const flags = ["--config", path, "--state-dir", folder.at("state")];
  return { folder, path, run: (...argv: string[]) => runHere(["mcp", argv[0] ?? "", ...flags, ...argv.slice(1)]), text: () => readFile(path, "utf8"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** A proxy that has the file, and whose servers are all like this. */
const running = (path: string, status: Partial<BackendStatus>, asked: string[] = []) =>
  operated({}, () => Promise.resolve({ result: "changed", path, change: { added: [], removed: [], changed: [], kept: [] }, issues: [], restart: [], reason: null }), {
    actions: serverActions({ settled: (name, ms) => Promise.resolve((asked.push(`${name} ${ms}`), statusOf(name, status))), restart: () => Promise.resolve(), tools: () => [], status: factsOf().status }, new Tail(defaultLimits), systemClock, defaultLimits),
  });

describe("mcp add", () => {
  test("makes the file for its owner alone where there is none", async () => {
    await using at = await given(null);
    expect(await at.run("add", "everything", "--", "npx", "-y", "pkg")).toEqual({ code: 0, stdout: `server “everything” is added\n  file:    ${at.path}\n  server:  none runs; \`1mcp serve\` starts it\n`, stderr: "" });
    expect(JSON.parse(await at.text())).toEqual({ mcpServers: { everything: { command: "npx", args: ["-y", "pkg"] } } });
    expect([(await stat(at.path)).mode & 0o777, (await stat(at.folder.at("conf"))).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  test("keeps comments and order, and says what there was", async () => {
    await using at = await given();
    expect((await at.run("add", "web", "--url", "https://h/mcp")).stdout).toContain(`  before:  ${at.path}.backup.`);
    expect(await at.text()).toBe(original.replace('"disabled": true }\n', '"disabled": true },\n    "web": {\n      "url": "https://h/mcp"\n    }\n'));
  });

  test("shows what it would change with --dry-run, also as JSON", async () => {
    await using at = await given();
    const { code, stdout } = await at.run("add", "web", "--dry-run", "--url", "https://h/mcp");
    expect([code, stdout]).toEqual([0, '@@ line 5 @@\n-    "off": { "command": "y", "disabled": true }\n+    "off": { "command": "y", "disabled": true },\n+    "web": {\n+      "url": "https://h/mcp"\n+    }\n']);
    expect(JSON.parse((await at.run("add", "web", "--dry-run", "--json", "--url", "https://h/mcp")).stdout)).toEqual({ path: at.path, difference: stdout, written: false, backup: null, server: null, state: null });
    expect([await at.text(), await readdir(at.folder.at("conf"))]).toEqual([original, ["mcp.json"]]);
  });

  test("refuses a name that is there, one that cannot be, and a command line that means nothing", async () => {
    await using at = await given();
    expect(await at.run("add", "git", "--", "z")).toMatchObject({ code: 2, stderr: expect.stringContaining("`1mcp mcp update git`") as string });
    expect(await at.run("add", "a__b", "--", "z")).toMatchObject({ code: 78, stderr: expect.stringContaining("must not contain the separator") as string });
    expect(await at.run("add", "web", "--url", "nonsense")).toMatchObject({ code: 2 });
    expect(await at.run("add", "web")).toMatchObject({ code: 2, stderr: expect.stringContaining("what is to be added?") as string });
    expect(await at.run("add")).toMatchObject({ code: 2, stderr: expect.stringContaining("it needs the name of a server") as string });
    expect(await at.text()).toBe(original);
  });

  test("closes a file that gets a secret, and says how to keep that elsewhere", async () => {
    await using at = await given();
    const { stdout, stderr } = await at.run("add", "a", "-e", "API_TOKEN=abc", "--", "x", "--password", "q");
    expect(stdout).toContain("  mode:    600: it holds a secret");
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect(stderr).toBe("note: API_TOKEN, an argument look like a secret, and are written into the file as typed\n  1mcp mcp update … --env 'API_TOKEN=$file:/path/of/a/file', 'API_TOKEN=$keychain:service/name' or 'API_TOKEN=$env:NAME' keeps it elsewhere\n");
    expect((await at.run("add", "b", "--url", "http://h", "--header", "Authorization=Bearer x")).stderr).toContain("--header 'Authorization=$file:");
    await chmod(at.path, 0o644);
    expect((await at.run("add", "c", "--", "x", "--token=abc")).stderr).toBe("note: an argument looks like a secret, and is written into the file as typed\n");
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    await chmod(at.path, 0o644);
    expect((await at.run("add", "f", "--url", "http://h/mcp?api_key=abc")).stderr).toStartWith("note: the address looks like a secret");
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect((await at.run("add", "d", "-e", "API_TOKEN=$file:/k", "--", "x")).stderr).toBe("");
    expect((await at.run("add", "e", "--dry-run", "-e", "API_TOKEN=abc", "--", "x")).stderr).toBe("");
  });

  test("waits until it is known whether the server comes up, and its exit code says it", async () => {
    for (const [status, code, said] of [
      [{}, 0, "web is ready, with 0 tools\n"],
      [{ state: "backing-off", reason: "it ended with 1", stderr: ["no\u001b such file"] }, 1, "web does not come up (backing-off): it ended with 1\n  | no\\u001b such file\n"],
      [{ state: "needs-login" }, 3, "web wants a login: `1mcp auth login web`\n"],
    ] as const) {
      await using at = await given();
      const asked: string[] = [];
      await using server = await running(at.path, status as Partial<BackendStatus>, asked);
      const here = await runHere(["mcp", "add", "web", "--config", at.path, ...server.flags, "--url", "http://h"]);
      expect([here.code, here.stdout.includes(said), asked]).toEqual([code, true, ["web 30000"]]);
      const again = await runHere(["mcp", "add", "web2", "--wait-ms", "0", "--config", at.path, ...server.flags, "--url", "http://h"]);
      expect([again.code, asked.length]).toEqual([0, 1]);
      const json = await runHere(["mcp", "add", "web3", "--json", "--config", at.path, ...server.flags, "--url", "http://h"]);
      expect([json.code, JSON.parse(json.stdout)]).toMatchObject([code, { written: true, server: "has it", state: { name: "web3" } }]);
    }
  });
});

describe("mcp update, enable, disable and remove", () => {
  test("change what was named, and nothing else", async () => {
    await using at = await given();
    expect((await at.run("update", "git", "-e", "A=b", "--tag", "t")).code).toBe(0);
    expect(await at.text()).toBe(original.replace('{ "command": "x" }', '{ "command": "x", "tags": ["t"], "env": {"A":"b"} }'));
    expect((await at.run("update", "git", "--unset", "env.A", "--unset", "env", "--unset", "tags")).code).toBe(0);
    expect(await at.text()).toBe(original);
    expect((await at.run("enable", "off")).stdout).toStartWith("server “off” is on\n");
    expect(await at.text()).toBe(original.replace(', "disabled": true', ""));
    expect((await at.run("enable", "off")).stdout).toBe("it is so already\n");
    expect((await at.run("disable", "off")).stdout).toStartWith("server “off” is off\n");
    expect((await at.run("disable", "off")).stdout).toBe("it is so already\n");
    expect(await at.text()).toBe(original);
    for (const word of ["remove", "uninstall"]) {
      await writeFile(at.path, original);
      expect((await at.run(word, "git", "-y")).stdout).toStartWith("server “git” is removed\n");
      expect(await at.text()).toBe(original.replace('    "git": { "command": "x" }, // daily\n', ""));
    }
  });

  test("say with 4 that there is no such server, and with 2 that nothing is to be changed", async () => {
    await using at = await given();
    for (const argv of [["update", "gti", "--tag", "t"], ["enable", "gti"], ["disable", "gti"], ["remove", "gti", "-y"]]) expect(await at.run(...argv)).toMatchObject({ code: 4, stderr: expect.stringContaining("hint: did you mean “git”?") as string });
    expect((await at.run("disable", "quite other")).stderr).toContain("`1mcp mcp list` has those there are");
    expect(await at.run("update", "git")).toMatchObject({ code: 2, stderr: expect.stringContaining("what is to be changed?") as string });
    expect(await at.run("update", "git", "--unset", "command")).toMatchObject({ code: 78 });
    expect(await at.text()).toBe(original);
  });

  test("on wait for the server, five seconds if nothing else is said", async () => {
    await using at = await given();
    const asked: string[] = [];
    await using server = await running(at.path, { state: "starting" }, asked);
    const here = await runHere(["mcp", "enable", "off", "--config", at.path, ...server.flags]);
    expect([here.code, asked]).toEqual([1, ["off 5000"]]);
    expect((await runHere(["mcp", "disable", "off", "--config", at.path, ...server.flags])).code).toBe(0);
    expect(asked.length).toBe(1);
  });
});

test("a failure that is not about the name stays what it is", async () => {
  await using at = await given("{ oops");
  expect((await at.run("disable", "git")).code).toBe(fault("CONFIG_INVALID").row.exit);
});
