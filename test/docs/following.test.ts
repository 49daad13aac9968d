/** Somebody follows the pages that have no test of their own: what is typed there works, and what is shown is what comes. */
import { describe, expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { findProject } from "../../src/config/project.ts";
import { blocksOf, createReader, linesOn, pageText } from "../fixtures/pages.ts";
import { projectDir } from "../fixtures/program.ts";

const theirs = '{ "mcpServers": { "notes": { "command": "npx", "args": ["-y", "@ada/notes"] } } }';

// A stand-in for the keychain, which only Linux lets be one: there it is a program.
test.skipIf(process.platform !== "linux")("the page on servers: each line writes what it says, with a keychain and without the file of a secret", async () => {
  await using reader = await createReader();
  await chmod(await reader.put("bin/secret-tool", "#!/bin/sh\nprintf secret\n"), 0o755);
  expect(await reader.follow("1mcp serve --background")).toMatchObject({ code: 0 });
  const done = await reader.followAll(linesOn(await pageText("docs/servers.md")), { "1mcp mcp logs github -f": { until: " ready " } });
  expect(done.filter(({ code }) => code !== 0).map(({ line, stdout }) => [line.split(" ").slice(0, 4).join(" "), stdout.includes("/run/secrets/docs, which cannot be read")])).toEqual([["1mcp mcp add docs", true]]);
  expect(done.at(-1)?.stdout).toContain(" ready ");
  expect(JSON.parse(await reader.read(".config/1mcp/mcp.json"))).toMatchObject({
    mcpServers: {
      everything: { command: "npx", args: ["-y", "@modelcontextprotocol/server-everything"] },
      github: { env: { GITHUB_TOKEN: { $keychain: "github/token" } }, tags: ["code", "work"], disabledTools: ["delete_repository"] },
      docs: { url: "https://example.com/mcp", headers: { Authorization: { $file: "/run/secrets/docs" } } },
    },
  });
}, 60_000);

test("the page on applications: the plan, a question, and one entry in place of the servers", async () => {
  await using reader = await createReader();
  await reader.put(".cursor/mcp.json", theirs);
  const lines = linesOn(await pageText("docs/applications.md"));
  const done = await reader.followAll(lines, { "1mcp app consolidate cursor": { answers: [["Enter for no", "y\n"]] } });
  expect(done.map(({ code, stdout }) => [code, stdout.includes("notes: moves")])).toEqual([[0, true], [0, true], [0, true]]);
  expect(Object.keys((JSON.parse(await reader.read(".cursor/mcp.json")) as { readonly mcpServers: object }).mcpServers)).toEqual(["1mcp"]);
  expect(await reader.follow("1mcp app restore cursor --yes")).toMatchObject({ code: 0 });
  expect(await reader.read(".cursor/mcp.json")).toBe(theirs);
}, 60_000);

test("the page on applications: its project and its templates are accepted", async () => {
  await using reader = await createReader();
  const [rc = "", templates = ""] = blocksOf(await pageText("docs/applications.md"), "");
  await reader.put("project/.1mcprc", rc);
  const { file } = await findProject(reader.project);
  expect([file.context?.projectId, file.context?.custom]).toEqual(["shop", { region: "eu" }]);
  await reader.put(".config/1mcp/mcp.json", `{${templates}}`);
  expect(templates).toContain('"mcpTemplates"');
  expect(await reader.follow("1mcp config check")).toMatchObject({ code: 0, stderr: "" });
});

test("the page on selections: why a tool is not seen is told in the very words that it shows", async () => {
  await using reader = await createReader();
  const page = await pageText("docs/selections.md");
  const teller = await Bun.file(join(projectDir, "test", "fixtures", "tellBackend.ts")).text();
  const server = await reader.put("github.ts", teller.replaceAll('"tell"', '"create_issue"'));
  await chmod(await reader.put("bin/npx", `#!/bin/sh\nexec "${process.execPath}" "${server}"\n`), 0o755);
  // Where the page's other server would be, there is nobody.
  await reader.put(".config/1mcp/mcp.json", (blocksOf(page, "json")[0] ?? "").replace("https://search.example", "http://127.0.0.1:1"));
  expect(await reader.followAll(["1mcp serve --background", "1mcp wait github", "1mcp token create --name ci --scope tag:web"])).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }]);
  const [shown = ""] = blocksOf(page, "").filter((block) => block.startsWith("$ "));
  const [line = "", ...answer] = shown.split("\n");
  expect((await reader.follow(line.slice(2))).stdout).toBe(answer.join("\n"));
}, 60_000);

describe("the page on operations", () => {
  test("asks the running proxy", async () => {
    await using reader = await createReader();
    await reader.put(".config/1mcp/mcp.json", '{ "mcpServers": { "SERVER": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything"] } } }');
    expect(await reader.followAll(["1mcp serve --background", "1mcp wait"])).toMatchObject([{ code: 0 }, { code: 0 }]);
    const lines = linesOn(await pageText("docs/operations.md")).filter((line) => /^1mcp (?:status|config)/u.test(line));
    expect(lines.length).toBeGreaterThan(3);
    for (const done of await reader.followAll(lines)) expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(done.line.includes("config") ? "kept:    SERVER" : "SERVER") as string });
  }, 60_000);

  test("tells every member of the status, and the page on servers those of one server", async () => {
    await using reader = await createReader();
    await reader.put(".config/1mcp/mcp.json", '{ "mcpServers": { "well": { "command": "1mcp", "args": ["demo"] }, "ill": { "command": "false" } } }');
    expect(await reader.followAll(["1mcp serve --background", "1mcp wait well"])).toMatchObject([{ code: 0 }, { code: 0 }]);
    const status = JSON.parse((await reader.follow("1mcp status --json")).stdout) as { readonly servers: readonly object[]; readonly memory: object; readonly clients: object; readonly configuration: object };
    const members = [status, ...status.servers, status.memory, status.clients, status.configuration].flatMap((part) => Object.keys(part));
    const [told = ""] = (await pageText("docs/operations.md")).match(/`--json` gives `phase`.*/u) ?? [];
    const named = new Set([...told.matchAll(/`([a-zA-Z.]+)`/gu)].flatMap(([, name = ""]) => name.split(".")));
    expect([...new Set(members)].filter((name) => !named.has(name))).toEqual([]);
    const [, row = ""] = /^\| `mcp restart`.*?\| `\{([^}]*)\}`/mu.exec(await pageText("docs/servers.md")) ?? [];
    expect(row.split(", ").map((name) => name.replace("?", ""))).toEqual(Object.keys(status.servers.find((server) => "stderr" in server) ?? {}));
  }, 60_000);

  test("prints what each service manager is given", async () => {
    await using reader = await createReader();
    const lines = linesOn(await pageText("docs/operations.md")).filter((line) => line.startsWith("1mcp service print")).map((line) => line.replace(/ [|>].*$/u, ""));
    expect(lines).toEqual(["1mcp service print systemd", "1mcp service print systemd --user", "1mcp service print launchd --user"]);
    for (const done of await reader.followAll(lines)) expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(done.line.includes("launchd") ? /<plist/u : /^\[Service\]$/mu) as string });
  }, 60_000);
});
