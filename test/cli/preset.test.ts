import { describe, expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { runHere } from "../fixtures/cli.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";
import { explainActions } from "../../src/front/explain.ts";
import { operated } from "../fixtures/operated.ts";

const original = `{
  // the servers
  "mcpServers": {
    "git": { "command": "x", "tags": ["Code"] },
    "web": { "command": "x", "tags": ["net", "slow"] },
    "off": { "command": "x", "tags": ["net"], "disabled": true }
  },
  "presets": {
    "dev": { "filter": "code,net" } // daily
  }
}
`;

async function given(text = original) {
  const folder = await createFolder();
  const path = folder.at("mcp.json");
  await writeFile(path, text, { mode: 0o600 });
  const flags = ["--config", path, "--state-dir", folder.at("state")];
  return { folder, path, run: (...argv: string[]) => runHere(["preset", ...argv, ...flags]), text: () => readFile(path, "utf8"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
const backupsIn = async (folder: Folder): Promise<string[]> => (await readdir(folder.path)).filter((name) => name.includes(".backup."));

describe("preset create", () => {
  test("writes the canonical expression, keeps comments and what was before, and says so", async () => {
    await using at = await given();
    const { code, stdout, stderr } = await at.run("create", "quiet", "--filter", "Net -slow", "--description", "no waiting");
    expect([code, stderr]).toEqual([0, ""]);
    const [backup] = await backupsIn(at.folder);
    expect(stdout).toBe(`preset “quiet” selects net && !slow\n  file:    ${at.path}\n  before:  ${at.folder.at(backup ?? "")}\n  server:  none runs\n`);
    expect(await at.text()).toBe(original.replace('"code,net" } // daily\n', '"code,net" }, // daily\n    "quiet": {\n      "filter": "net && !slow",\n      "description": "no waiting"\n    }\n'));
    expect(await readFile(at.folder.at(backup ?? ""), "utf8")).toBe(original);
  });

  test("shows what it would change, and changes nothing, with --dry-run", async () => {
    await using at = await given();
    const { code, stdout } = await at.run("create", "t", "--tags", "a,b", "--dry-run");
    expect([code, stdout]).toEqual([0, '@@ line 9 @@\n-    "dev": { "filter": "code,net" } // daily\n+    "dev": { "filter": "code,net" }, // daily\n+    "t": {\n+      "filter": "a || b"\n+    }\n']);
    const json = await at.run("create", "t", "--tags", "a,b", "--dry-run", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ path: at.path, difference: stdout, written: false, backup: null, server: null });
    expect([await at.text(), await backupsIn(at.folder)]).toEqual([original, []]);
  });

  test("refuses a name that is taken, one that cannot be, none at all, and a preset of presets", async () => {
    await using at = await given();
    expect(await at.run("create", "dev", "--filter", "x")).toMatchObject({ code: 2, stderr: expect.stringContaining("there is a preset “dev” already") as string });
    expect(await at.run("create", "a b", "--filter", "x")).toMatchObject({ code: 78, stderr: expect.stringContaining("is not the name of a preset") as string });
    expect(await at.run("create", "--filter", "x")).toMatchObject({ code: 2, stderr: expect.stringContaining("it needs the name of a preset") as string });
    expect(await at.run("create", "n")).toMatchObject({ code: 2, stderr: expect.stringContaining("which servers does it select?") as string });
    expect(await at.run("create", "n", "--filter", "x  preset:dev")).toMatchObject({ code: 2, stderr: expect.stringContaining("  x  preset:dev\n     ^\n") as string });
    expect(await at.run("create", "n", "--filter", "x (")).toMatchObject({ code: 2, stderr: expect.stringContaining("  x (\n     ^\n") as string });
    expect(await at.text()).toBe(original);
  });

  test("warns of what there is not, since that may be still to come, and writes it", async () => {
    await using at = await given('{ "mcpServers": { "git": { "command": "x", "tags": ["code"] }, "web": { "command": "x" } } }');
    expect(await at.run("create", "p", "--filter", "cdoe || server:wbe")).toMatchObject({ code: 0, stderr: "warning: no server has the tag “cdoe”; did you mean “code”?\nwarning: there is no server “wbe”; did you mean “web”?\n" });
    expect(await at.run("edit", "p", "--filter", "zzzzzz")).toMatchObject({ code: 0, stderr: "warning: no server has the tag “zzzzzz”\n" });
  });

  test("makes the file where there is none", async () => {
    await using folder = await createFolder();
    const path = folder.at("new", "mcp.json");
    expect((await runHere(["preset", "create", "p", "-f", "a", "--config", path, "--state-dir", folder.at("state")])).code).toBe(0);
    expect(await readFile(path, "utf8")).toBe('{\n  "presets": {\n    "p": {\n      "filter": "a"\n    }\n  }\n}\n');
  });
});

describe("preset edit and delete", () => {
  test("change and take away what was named, and nothing else", async () => {
    await using at = await given();
    expect((await at.run("edit", "dev", "--filter", "code")).code).toBe(0);
    expect(await at.text()).toBe(original.replace("code,net", "code"));
    expect((await at.run("edit", "dev", "--description", "d")).code).toBe(0);
    expect(await at.text()).toBe(original.replace('"code,net" }', '"code", "description": "d" }'));
    expect((await at.run("edit", "dev", "--filter", "code")).stdout).toBe("it is so already\n");
    expect((await at.run("delete", "dev")).stdout).toStartWith("preset “dev” is gone; clients that ask for it are refused\n");
    expect(await at.text()).toBe(original.replace('    "dev": { "filter": "code,net" } // daily\n', ""));
    expect((await backupsIn(at.folder)).length).toBe(3);
  });

  test("take nothing from variables that are meant for a proxy", async () => {
    await using at = await given();
    const env = { ONE_MCP_FILTER: "secret", ONE_MCP_TAGS: "x", ONE_MCP_PRESET: "other" };
    const edited = await runHere(["preset", "edit", "dev", "--description", "d", "--config", at.path, "--state-dir", at.folder.at("state")], env);
    expect([edited.code, await at.text()]).toEqual([0, original.replace('"code,net" }', '"code,net", "description": "d" }')]);
    expect((await runHere(["preset", "test", "dev", "--config", at.path, "--state-dir", at.folder.at("state")], env)).code).toBe(0);
  });

  test("say what there is where the name is wrong, and what is missing", async () => {
    await using at = await given();
    expect(await at.run("edit", "dve", "--filter", "x")).toMatchObject({ code: 1, stderr: expect.stringContaining("hint: did you mean “dev”?") as string });
    expect(await at.run("delete", "zzzzzz")).toMatchObject({ code: 1, stderr: expect.stringContaining("preset list") as string });
    expect(await at.run("edit", "dev")).toMatchObject({ code: 2, stderr: expect.stringContaining("what is to be changed?") as string });
  });

  test("mend a file that is refused for the very preset, and say what is wrong with any other", async () => {
    await using at = await given('{\n "presets": { "bad": { "filter": "a &" } } }');
    expect(await at.run("list")).toMatchObject({ code: 78, stderr: expect.stringContaining(":2:37: “filter” cannot be read at character 3: AND is written") as string });
    expect(await at.run("create", "other", "--filter", "x")).toMatchObject({ code: 78, stderr: expect.stringContaining("it is as it was") as string });
    expect((await at.run("edit", "bad", "--filter", "a b")).code).toBe(0);
    expect((await at.run("list", "--json")).stdout).toBe(`${JSON.stringify([{ name: "bad", filter: "a && b", description: null }], null, 2)}\n`);
  });
});

describe("preset list, show, test and url", () => {
  test("tell of presets, and of the servers that they select as far as the file says", async () => {
    await using at = await given();
    expect((await at.run("list")).stdout).toBe("NAME\tFILTER\tDESCRIPTION\ndev\tcode || net\t-\n");
    expect((await at.run("show", "dev")).stdout).toBe("dev: code || net\n  url:      http://127.0.0.1:3050/mcp?preset=dev\n  servers:  git, web\n");
    expect(JSON.parse((await at.run("show", "dev", "--json")).stdout)).toEqual({ name: "dev", filter: "code || net", description: null, url: "http://127.0.0.1:3050/mcp?preset=dev", servers: ["git", "web"] });
    expect(await at.run("test", "dev")).toEqual({ code: 0, stdout: "code || net\nSELECTED\tSERVER\tTAGS\tTOOLS\nyes\tgit\tCode\t0\nyes\tweb\tnet, slow\t0\n", stderr: "" });
    expect((await at.run("url", "dev")).stdout).toBe("http://127.0.0.1:3050/mcp?preset=dev\n");
    expect(JSON.parse((await at.run("url", "dev", "--json")).stdout)).toEqual({ name: "dev", url: "http://127.0.0.1:3050/mcp?preset=dev" });
  });

  test("an expression is tried as well, with a warning for what there is not, and 1 where it selects nothing", async () => {
    await using at = await given();
    expect(await at.run("test", "--filter", "cde")).toEqual({ code: 1, stdout: "cde\nSELECTED\tSERVER\tTAGS\tTOOLS\nno\tgit\tCode\t0\nno\tweb\tnet, slow\t0\n", stderr: "warning: no server has the tag “cde”; did you mean “code”?\n" });
    expect(JSON.parse((await at.run("test", "--filter", "server:git", "--json")).stdout)).toMatchObject({ filter: "server:git", warnings: [], servers: [{ name: "git", selected: true }, { name: "web", selected: false }] });
    expect((await at.run("test")).code).toBe(2);
    expect((await at.run("test", "dev", "--filter", "x")).code).toBe(2);
    expect((await at.run("show", "gone")).code).toBe(1);
  });

  test("the address is the one that others know, and the port the configured one", async () => {
    await using at = await given('{ "publicUrl": "https://mcp.example/base/", "presets": { "p": { "filter": "a", "description": "why" } } }');
    expect((await at.run("url", "p")).stdout).toBe("https://mcp.example/base/mcp?preset=p\n");
    expect((await at.run("show", "p")).stdout).toContain("\nwhy\n");
    await writeFile(at.path, '{ "port": 4000, "tls": { "cert": "c", "key": "k" }, "presets": { "p": { "filter": "a" } } }');
    expect((await at.run("url", "p")).stdout).toBe("https://127.0.0.1:4000/mcp?preset=p\n");
  });

  test("a file that is not there is said to be", async () => {
    await using folder = await createFolder();
    expect(await runHere(["preset", "list", "--config", folder.at("none.json"), "--state-dir", folder.at("state")])).toMatchObject({ code: 78, stderr: expect.stringContaining("the file does not exist") as string });
  });

  test("a running server knows what its servers offer, and where it is", async () => {
    const server = { name: "git", tags: ["Code"], selected: true, tools: 7, prompts: 0, resources: 0 };
    await using at = await given();
    await using running = await operated({}, undefined, { actions: explainActions({ explain: () => [], selected: () => [server], presets: () => new Map() }) });
    expect((await runHere(["preset", "test", "dev", "--config", at.path, ...running.flags])).stdout).toContain("yes\tgit\tCode\t7\n");
    expect((await runHere(["preset", "show", "dev", "--config", at.path, ...running.flags])).stdout).toContain("servers:  git\n");
  });
});
