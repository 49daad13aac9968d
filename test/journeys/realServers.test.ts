/** Real servers from npm, real clients of both eras, the real program between them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AnyClient, connectSse, connectV1, connectV2 } from "../fixtures/clients.ts";
import { type Program, projectDir, startProgram, temporaryDir } from "../fixtures/program.ts";

const npmServer = (name: string): string => join(projectDir, "node_modules", "@modelcontextprotocol", name, "dist", "index.js");

let program: Program;
let files: Awaited<ReturnType<typeof temporaryDir>>;

beforeAll(async () => {
  files = await temporaryDir();
  await writeFile(join(files.path, "note.txt"), "kept as it is: 1.10 9007199254740993 ü 🙂");
  program = await startProgram({
    config: {
      mcpServers: {
        everything: { command: "node", args: [npmServer("server-everything")] },
        files: { command: "node", args: [npmServer("server-filesystem"), files.path] },
        memory: { command: "node", args: [npmServer("server-memory")], env: { MEMORY_FILE_PATH: join(files.path, "memory.json") } },
      },
    },
  });
});

afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
});

const clients: readonly (readonly [string, (path: string) => Promise<AnyClient>])[] = [
  ["a 2025-11-25 client (v1 SDK)", (path) => connectV1(`${program.origin}/mcp${path}`, program.token)],
  ["a 2025-11-25 client (v2 SDK)", (path) => connectV2(`${program.origin}/mcp${path}`, program.token, "legacy")],
  ["a 2026-07-28 client (v2 SDK)", (path) => connectV2(`${program.origin}/mcp${path}`, program.token, "modern")],
  ["an HTTP+SSE client (v1 SDK)", (path) => connectSse(`${program.origin}/sse${path}`, program.token)],
];

for (const [label, connect] of clients) {
  describe(label, () => {
    test("sees the tools of all servers under their prefixed names, sorted", async () => {
      await using client = await connect("");
      const names = (await client.listTools()).tools.map((tool) => tool.name);
      expect(names).toContain("everything__echo");
      expect(names).toContain("files__read_text_file");
      expect(names).toContain("memory__create_entities");
      expect(names).toEqual([...names].sort());
    });

    test("calls a tool of each server", async () => {
      await using client = await connect("");
      const echo = await client.callTool({ name: "everything__echo", arguments: { message: "hello" } });
      expect(echo.content[0]).toEqual({ type: "text", text: "Echo: hello" });
      const file = await client.callTool({ name: "files__read_text_file", arguments: { path: join(files.path, "note.txt") } });
      expect(file.content[0]?.text).toBe("kept as it is: 1.10 9007199254740993 ü 🙂");
      const name = `entity of ${label}`;
      await client.callTool({ name: "memory__create_entities", arguments: { entities: [{ name, entityType: "test", observations: ["seen"] }] } });
      const graph = await client.callTool({ name: "memory__search_nodes", arguments: { query: name } });
      expect(JSON.stringify(graph.content)).toContain(name);
    });

    test("gets a tool's own failure as it is", async () => {
      await using client = await connect("");
      const failed = await client.callTool({ name: "files__read_text_file", arguments: { path: "/definitely/not/allowed" } });
      expect(failed.isError).toBe(true);
      expect(failed.content[0]?.text).toContain("Access denied");
    });

    test("reads resources, prompts and completions through one server's own endpoint, names unchanged", async () => {
      await using client = await connect("/everything");
      expect((await client.listTools()).tools.map((tool) => tool.name)).toContain("echo");
      const { resources } = await client.listResources();
      const first = resources[0];
      if (first === undefined) throw new Error("the server lists no resource");
      expect((await client.readResource({ uri: first.uri })).contents[0]?.uri).toBe(first.uri);
      expect((await client.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0);
      const { prompts } = await client.listPrompts();
      expect(prompts.map((prompt) => prompt.name)).toContain("simple-prompt");
      expect((await client.getPrompt({ name: "simple-prompt" })).messages.length).toBe(1);
      const { completion } = await client.complete({ ref: { type: "ref/prompt", name: "completable-prompt" }, argument: { name: "department", value: "E" } });
      expect(completion.values).toContain("Engineering");
    });

    test("completes and reads through the common endpoint as well", async () => {
      await using client = await connect("");
      const { completion } = await client.complete({ ref: { type: "ref/prompt", name: "everything__completable-prompt" }, argument: { name: "department", value: "E" } });
      expect(completion.values).toContain("Engineering");
      const uri = (await client.listResources()).resources[0]?.uri ?? "";
      expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
      expect((await client.getPrompt({ name: "everything__simple-prompt" })).messages.length).toBe(1);
    });
  });
}

// Over HTTP+SSE the client library drops a progress that arrives in one chunk with the answer; sharing.test.ts looks at that wire itself.
for (const [label, connect] of clients.slice(0, 3)) {
  test(`${label} is told of progress by its own callback`, async () => {
    await using client = await connect("");
    const seen: number[] = [];
    await client.callTool({ name: "everything__trigger-long-running-operation", arguments: { duration: 0.3, steps: 3 } }, { onprogress: ({ progress }) => seen.push(progress) });
    expect(seen).toEqual([1, 2, 3]);
  });
}
