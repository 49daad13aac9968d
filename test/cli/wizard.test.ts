import { describe, expect, test } from "bun:test";
import { entryOf } from "../../src/cli/wizard.ts";
import { createFolder } from "../fixtures/folder.ts";
import { startShell } from "../fixtures/shell.ts";

describe("an entry", () => {
  test.each([
    ["https://a.example/mcp", { url: "https://a.example/mcp" }],
    ["server", { command: "server" }],
    [`npx -y pkg "two words" 'three more words'`, { command: "npx", args: ["-y", "pkg", "two words", "three more words"] }],
    [`npx -y pkg --root="/my files" '--name='x"y" O'Brien C:\\a ""`, { command: "npx", args: ["-y", "pkg", "--root=/my files", "--name=xy", "O'Brien", "C:\\a", ""] }],
  ])("of %s is what people mean", (typed, entry) => expect(entryOf(typed)).toEqual(entry as never));
});

describe("the first run", () => {
  const run = async (types: readonly (readonly [string, string])[]) => {
    const folder = await createFolder();
    const started = startShell(["--state-dir", folder.at("state"), "--port", "0"], { env: { HOME: folder.path }, terminal: true, types });
    await started.stderr.said("listens on");
    started.signals.emit("SIGTERM");
    await started.code;
    const file = Bun.file(folder.at(".config", "1mcp", "mcp.json"));
    const text = (await file.exists()) ? await file.text() : null;
    await folder[Symbol.asyncDispose]();
    return { text, said: started.stderr.text() };
  };

  test("can be skipped, and shows the demonstration then", async () => {
    const { text, said } = await run([["Name: ", "\n"]]);
    expect([text, said.includes("serving the demonstration server")]).toEqual([null, true]);
  });

  test("can be left in the middle of a server", async () => {
    expect((await run([["Name: ", "one\n"], ["Its command", "\n"]])).text).toBeNull();
  });

  test("says what is wrong with a name before it asks for more, writes nothing of it, and goes on", async () => {
    const { text, said } = await run([["Name: ", "1mcp\n"], ["Another", "fine\n"], ["address (https://…): ", "https://a.example/mcp\n"], ["Another", "\n"]]);
    expect(said).toContain("mcp.json");
    expect(said.indexOf("is reserved for the proxy's own tools")).toBeLessThan(said.indexOf("Its command"));
    expect(JSON.parse(text ?? "")).toEqual({ mcpServers: { fine: { url: "https://a.example/mcp" } } });
  });

  test("does not put a second server into the place of the first", async () => {
    const { text, said } = await run([["Name: ", "one\n"], ["Its command", "https://a.example/mcp\n"], ["Another", "one\n"], ["already", "\n"]]);
    expect(said).toContain("there is a server “one” already; give this one another name\n");
    expect(JSON.parse(text ?? "")).toEqual({ mcpServers: { one: { url: "https://a.example/mcp" } } });
  });
});
