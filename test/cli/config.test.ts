import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

test("a configuration that is right is said to be, on standard output", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, JSON.stringify({ mcpServers: { a: { command: process.execPath }, b: { url: "http://x/", disabled: true } } }));
  expect(await runHere(["config", "check", "-c", path])).toEqual({ code: 0, stdout: `${path} is valid; servers: 1 usable, 1 disabled\n`, stderr: "" });
});

test("a server that is put out is told of, and the rest counts", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{ "mcpServers": {\n  "a": { "command": "${NOT_SET_HERE}" }, "b": { "command": "${SET}" } } }');
  expect(await runHere(["config", "check", "-c", path], { SET: process.execPath })).toEqual({
    code: 0,
    stdout: `${path} is valid; servers: 1 usable, 1 put out\n`,
    stderr: `${path}:2:21: “command” needs the variable NOT_SET_HERE, which is not set (set it in the environment or in .env, or write \${NOT_SET_HERE:-default}) [mcpServers.a.command]\n`,
  });
});

test("a server whose program is not there is told of, and nothing is started", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{ "mcpServers": {\n  "a": { "command": "gone" }, "b": { "url": "http://x/" } } }');
  expect(await runHere(["config", "check", "-c", path], { PATH: folder.path })).toEqual({
    code: 0,
    stdout: `${path} is valid; servers: 1 usable, 1 put out\n`,
    stderr: `${path}:2:21: “command” is no program that is found (it is looked for in PATH) [mcpServers.a.command]\n`,
  });
});

test("everything that is wrong is printed with its place, and the exit code is 78", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, '{\n  "prot": 1,\n  "port": "x"\n}');
  expect(await runHere(["config", "check"], { ONE_MCP_CONFIG: path })).toEqual({
    code: 78,
    stdout: "",
    stderr:
      `${path}:2:3: “prot” is not a known key (did you mean “port”?) [prot]\n` +
      `${path}:3:11: “port” must be a number, not this string [port]\n` +
      `1mcp: the configuration is not valid (${path})\nhint: correct the places named above\n`,
  });
});

test("without --config the default place is checked", async () => {
  await using folder = await createFolder();
  const { code, stderr } = await runHere(["config", "check"], { HOME: folder.path, XDG_CONFIG_HOME: folder.at("xdg"), APPDATA: folder.at("xdg") });
  expect(code).toBe(78);
  expect(stderr).toContain(`${folder.at("xdg", "1mcp", "mcp.json")}: the file does not exist\n`);
});

test("the schema is JSON on standard output", async () => {
  const { code, stdout, stderr } = await runHere(["config", "schema"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(Object.keys(JSON.parse(stdout))).toContain("properties");
});

const reloaded = { result: "changed", path: "/c.json", change: { added: ["a", "b"], removed: [], changed: [], kept: ["k"] }, issues: [], restart: [], reason: null };
const issue = { path: [], line: 3, column: 5, message: "unknown key", hint: null, server: null };

test("a reload says what became of each server, and of the settings that have to wait", async () => {
  await using server = await operated({}, () => Promise.resolve({ ...reloaded, issues: [{ ...issue, message: "one is out" }], restart: ["port"] }));
  expect(await runHere(["config", "reload", ...server.flags])).toEqual({ code: 0, stdout: "/c.json is in place\n  added:   a, b\n  kept:    k\n  counts from the next start on: port\n", stderr: "/c.json:3:5: one is out\n" });
});

test("a reload that finds nothing new says so", async () => {
  await using server = await operated({}, () => Promise.resolve({ ...reloaded, result: "unchanged", change: { ...reloaded.change, added: [] } }));
  expect(await runHere(["config", "reload", ...server.flags])).toEqual({ code: 0, stdout: "/c.json is as it was\n  kept:    k\n", stderr: "" });
});

test("a reload that is refused says every issue with its place, and its exit code is 78", async () => {
  await using server = await operated({}, () => Promise.resolve({ ...reloaded, result: "rejected", issues: [issue, { ...issue, line: 9 }] }));
  const { code, stdout, stderr } = await runHere(["config", "reload", ...server.flags]);
  expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
  expect(stderr).toContain("/c.json:3:5: unknown key\n/c.json:9:5: unknown key\n1mcp: the configuration is not valid (/c.json; the running configuration goes on)");
});

test("a reload that fails, or finds no server, is a failure", async () => {
  await using server = await operated({}, () => Promise.resolve({ ...reloaded, result: "failed", reason: "no room" }));
  expect(await runHere(["config", "reload", ...server.flags])).toMatchObject({ code: 1, stderr: "1mcp: it could not be put in place, the running one goes on: no room\n" });
  await server.close();
  expect(await runHere(["config", "reload", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("does not answer") });
  await using folder = await createFolder();
  expect(await runHere(["config", "reload", "--state-dir", folder.at("state")])).toMatchObject({ code: 1, stderr: expect.stringContaining("no 1mcp server can be reached") });
});
