/** Whose resource a URI is, where several servers stand behind one address. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type AnyClient, connectV1, connectV2 } from "../fixtures/clients.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";

const server = (name: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "owningServer.ts"), name] });
const names = ["alpha", "beta"];

const clients: Readonly<Record<string, (url: string, token: string | null) => Promise<AnyClient>>> = {
  "2025-11-25": connectV1,
  "2026-07-28": (url, token) => connectV2(url, token, "modern"),
};

for (const [revision, connectTo] of Object.entries(clients)) {
  describe(`a client of ${revision}`, () => {
    let program: Program;
    let client: AnyClient;
    // A program for each: what one client was told may be read by the other, who is the same principal.
    beforeAll(async () => {
      program = await startProgram({ config: { mcpServers: Object.fromEntries(names.map((name) => [name, server(name)])) } });
      client = await connectTo(`${program.origin}/mcp`, program.token);
    });
    afterAll(async () => {
      await client[Symbol.asyncDispose]();
      await program[Symbol.asyncDispose]();
    });

    const textsOf = async (uri: string): Promise<(string | undefined)[]> => (await client.readResource({ uri })).contents.map(({ text }) => text);
    const codeOf = (uri: string): Promise<unknown> => client.readResource({ uri }).then(() => "it was read", (thrown: { code: number }) => thrown.code);
    const askedOf = async (name: string): Promise<string[]> => JSON.parse((await client.callTool({ name: `${name}__asked` })).content[0]?.text ?? "") as string[];

    test("G6: of two servers that list one URI the first configured has it, the other's is listed and read under its alias", async () => {
      const alias = "x-1mcp://beta/same%3A%2F%2Fone";
      expect((await client.listResources()).resources.map(({ uri }) => uri).sort()).toEqual(["same://one", alias]);
      expect(await textsOf("same://one")).toEqual(["alpha:same://one"]);
      expect(await textsOf(alias)).toEqual(["beta:same://one"]);
    });

    test("G7: what a tool, a prompt or a resource named is read from the server that named it", async () => {
      for (const name of names) {
        await client.callTool({ name: `${name}__links` });
        await client.getPrompt({ name: `${name}__links` });
        expect(await textsOf(`hidden://${name}/linked`)).toEqual([`${name}:hidden://${name}/linked`, `${name}:hidden://${name}/beside`]);
        for (const part of ["embedded", "prompted", "beside"]) expect(await textsOf(`hidden://${name}/${part}`)).toEqual([`${name}:hidden://${name}/${part}`]);
      }
    });

    test("what nobody named is unknown, and no server is asked for it", async () => {
      expect(await codeOf("hidden://beta/secret")).toBe(revision.startsWith("2025") ? -32002 : -32602);
      for (const name of names) expect(await askedOf(name)).not.toContain("hidden://beta/secret");
    });

    test("G8: where templates of two servers match, the first configured is asked first, the other when it does not know it", async () => {
      expect(await textsOf("doc://alpha-1")).toEqual(["alpha:doc://alpha-1"]);
      expect(await textsOf("doc://beta-1")).toEqual(["beta:doc://beta-1"]);
      expect(await askedOf("alpha")).toContain("doc://beta-1");
      expect(await askedOf("beta")).not.toContain("doc://alpha-1");
      expect(await codeOf("doc://gamma")).toBe(revision.startsWith("2025") ? -32002 : -32602);
    });

    test("of two servers that have one template the second's is listed under its alias, by which it alone is asked and completes", async () => {
      const alias = "x-1mcp://beta/-/doc://{id}";
      expect((await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate).sort()).toEqual(["doc://{id}", alias]);
      expect(await textsOf("x-1mcp://beta/-/doc://beta%2Fa%20b")).toEqual(["beta:doc://beta%2Fa%20b"]);
      expect(await askedOf("alpha")).not.toContain("doc://beta%2Fa%20b");
      expect(await codeOf("x-1mcp://beta/-/doc://alpha-1")).toBe(revision.startsWith("2025") ? -32002 : -32602);
      const { completion } = await client.complete({ ref: { type: "ref/resource", uri: alias }, argument: { name: "id", value: "a" } });
      expect(completion.values).toEqual(["beta", "doc://{id}"]);
    });

    test("a template that two servers have is completed by the first configured, a resource by who named it", async () => {
      const complete = async (uri: string): Promise<string[]> => (await client.complete({ ref: { type: "ref/resource", uri }, argument: { name: "id", value: "a" } })).completion.values;
      expect(await complete("doc://{id}")).toEqual(["alpha", "doc://{id}"]);
      await client.callTool({ name: "beta__links" });
      expect(await complete("hidden://beta/linked")).toEqual(["beta", "hidden://beta/linked"]);
      expect(await complete("x-1mcp://beta/same%3A%2F%2Fone")).toEqual(["beta", "same://one"]);
    });
  });
}
