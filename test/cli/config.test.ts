import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";

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
