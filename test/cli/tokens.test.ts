import { describe, expect, test } from "bun:test";
import { definitionsOf } from "../../src/catalog/index.ts";
import { definitionActions } from "../../src/front/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { corpusOffers } from "../fixtures/corpus.ts";
import { catalogOf, offerOf } from "../fixtures/offers.ts";
import { operated } from "../fixtures/operated.ts";

const told = (name: string, description: string): string => JSON.stringify({ name, description, inputSchema: { type: "object" }, annotations: { title: "for the client" } });
const small = catalogOf(offerOf("a", { tools: [told("one", "Does one thing."), told("two", "Does another thing, and says so at greater length.")], instructions: "Be <|endoftext|> kind." }), offerOf("b\u0007"));
const serving = (definitions: () => ReturnType<typeof definitionsOf>) => operated({}, undefined, { actions: definitionActions({ definitions }) });

describe("mcp tokens", () => {
  test("says what each server costs, and what each way of showing them", async () => {
    await using server = await serving(() => definitionsOf(small));
    const { code, stdout } = await runHere(["mcp", "tokens", ...server.flags]);
    const [head, first, second, , full, search] = stdout.split("\n");
    expect([code, head, second]).toEqual([0, "SERVER\tTOOLS\tTOKENS\tINSTRUCTIONS", "b\\u0007\t0\t0\t0"]);
    const [, tools, tokens, instructions] = (first ?? "").split("\t").map(Number);
    expect([tools, instructions]).toEqual([2, 10]);
    expect(full).toBe(`catalog full:   ${(tokens ?? 0) + (instructions ?? 0)} tokens (now)`);
    expect(search).toMatch(/^catalog search: \d+ tokens, no fewer: there is little to be listed$/u);
  });

  test("counts as the models' own tokenizer does", async () => {
    await using server = await serving(() => ({ catalog: "search", pair: [], servers: [{ name: "a", instructions: null, tools: [{ name: "t", text: "hello world" }] }] }));
    expect((await runHere(["mcp", "tokens", "a", ...server.flags])).stdout).toBe("TOOL\tTOKENS\nt\t2\n");
  });

  test("says of many tools what searching would save", async () => {
    const all = definitionsOf(catalogOf(...(await corpusOffers())));
    await using server = await serving(() => all);
    const { stdout } = await runHere(["mcp", "tokens", "--json", ...server.flags]);
    const { encoding, catalog, servers, modes } = JSON.parse(stdout) as { encoding: string; catalog: string; servers: { name: string; tools: number; toolTokens: number }[]; modes: { full: { tokens: number }; search: { tokens: number; saved: number; savedPercent: number } } };
    expect([encoding, catalog, servers.length]).toEqual(["o200k_base", "full", 21]);
    expect(servers.map(({ toolTokens }) => toolTokens)).toEqual(servers.map(({ toolTokens }) => toolTokens).toSorted((a, b) => b - a));
    expect(modes.full.tokens).toBeGreaterThan(50_000);
    expect(modes.search.tokens).toBeLessThan(500);
    expect(modes.search.saved).toBe(modes.full.tokens - modes.search.tokens);
    expect(modes.search.savedPercent).toBeGreaterThan(99);
    expect((await runHere(["mcp", "tokens", ...server.flags])).stdout).toContain(`catalog search: ${modes.search.tokens} tokens, ${modes.search.saved} fewer, ${modes.search.savedPercent} %\n`);
  });

  test("of one server says what each tool costs, the dearest first", async () => {
    await using server = await serving(() => definitionsOf(small));
    const { stdout } = await runHere(["mcp", "tokens", "a", "--json", ...server.flags]);
    expect(JSON.parse(stdout)).toMatchObject({ encoding: "o200k_base", name: "a", tools: 2, instructionTokens: 10, each: [{ name: "a__two" }, { name: "a__one" }] });
    const unknown = await runHere(["mcp", "tokens", "c", ...server.flags]);
    expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining("“c”")]);
  });

  test("needs a server that runs and answers", async () => {
    await using folder = await createFolder();
    const none = await runHere(["mcp", "tokens", "--state-dir", folder.at("state")]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("1mcp serve starts it")]);
    await using server = await serving(() => definitionsOf(small));
    await server.close();
    expect((await runHere(["mcp", "tokens", ...server.flags])).stderr).toContain("does not answer");
  });
});
