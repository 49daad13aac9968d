/**
 * Part A of the threat table, row 12: whatever a caller writes into the address, he sees what was granted to him and of
 * that what he selected, and reaches nothing else. Over the wire, on every endpoint, against the program as it is started.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { openSession, sendModern } from "../fixtures/rpc.ts";

let program: Granted;
let token: string;

beforeAll(async () => {
  const server = (...tags: string[]): object => fixture("rawBackend.ts", ["modern"], { tags });
  program = await startGranted({ config: { mcpServers: { mine: server("a"), also: server("a", "b"), secret: { ...server("b", "Secret"), hidden: true }, other: server("c") }, presets: { everything: { filter: "a || !a" }, others: { filter: "!a" } } } });
  ({ token } = await program.grant(["tag:a"]));
  // Everything is up before the first question.
  expect((await sendModern(program.at(program.token), { method: "tools/list" })).text).toContain("other__");
});
afterAll(() => program[Symbol.asyncDispose]());

const attempts = [
  ["tag-filter=!a", []],
  ["tag-filter=not%20a", []],
  ["tag-filter=-a", []],
  ["tag-filter=!!a", ["also", "mine"]],
  ["tag-filter=a,b,c", ["also", "mine"]],
  ["tag-filter=a%20or%20not%20a", ["also", "mine"]],
  ["filter=server:secret", []],
  ["filter=SERVER:other,server:mine", ["mine"]],
  ["filter=cap:tools", ["also", "mine"]],
  ["filter=!cap:prompts%20b", []],
  ["tags=SECRET,B", ["also"]],
  ["tags=%53ecret", []],
  ["preset=everything", ["also", "mine"]],
  ["preset=others", []],
  ["filter=!preset:others", ["also", "mine"]],
] as const;

test("12: what is seen is the grant and the filter, in every form, in every era", async () => {
  for (const [query, servers] of attempts) {
    const modern = await sendModern(program.at(token, `/mcp?${query}`), { method: "tools/list" });
    const session = await openSession(program.at(token, `/mcp?${query}`));
    const legacy = await session.send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    for (const { messages } of [modern, legacy]) {
      const { result } = JSON.parse(messages.at(-1) ?? "") as { result: { tools: { name: string }[]; cacheScope?: string } };
      expect([query, [...new Set(result.tools.map(({ name }) => name.split("__")[0]))].sort()]).toEqual([query, [...servers]]);
      expect(result.cacheScope ?? "private").toBe("private");
    }
  }
});

test("12: what is not seen is not reached either, and a hidden server is not told of", async () => {
  const call = (path: string, name: string) => sendModern(program.at(token, path), { method: "tools/call", name, params: `"name":"${name}","arguments":{}` });
  for (const query of ["", "?filter=b", "?preset=everything", "?tag-filter=!a"]) {
    const none = await call(`/mcp${query}`, "nobody__pid");
    const hidden = await call(`/mcp${query}`, "secret__pid");
    const plain = (text: string): string => text.replace(/"callId":"[^"]*"/, "").replaceAll("secret", "nobody");
    expect([hidden.status, plain(hidden.text)]).toEqual([none.status, plain(none.text)]);
    for (const name of ["other__pid", "secret__pid"]) expect((await call(`/mcp${query}`, name)).text).not.toContain('"content"');
  }
  expect((await call("/mcp?tag-filter=b", "mine__pid")).text).toContain("NAME_UNKNOWN");
  expect((await call("/mcp/mine?tag-filter=b", "pid")).text).toContain("NAME_UNKNOWN");
  expect((await call("/mcp/mine?tag-filter=a", "pid")).text).toContain('"content"');
});
