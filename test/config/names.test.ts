import { expect, test } from "bun:test";
import { configIn, issuesIn, lines } from "../fixtures/config.ts";

const x = { command: "x" };
const messages = (config: object): string[] => lines(issuesIn(config)).map((line) => line.replace(/^\S+ /, ""));

test("a name must not hold the separator, whichever it is", () => {
  expect(messages({ mcpServers: { a__b: x } })).toEqual([
    "“a__b” must not contain the separator “__” (rename the server, or choose another names.separator)",
  ]);
  expect(configIn({ names: { separator: "-" }, mcpServers: { a__b: x } }).names.separator).toBe("-");
  expect(messages({ names: { separator: "-" }, mcpServers: { "a-b": x, c: { ...x, prefix: "c-d" } } })).toHaveLength(2);
});

test("the proxy's own name is reserved", () => {
  expect(messages({ mcpServers: { "1mcp": x, a: { ...x, prefix: "1MCP" } } })).toEqual([
    "“1mcp” is reserved for the proxy's own tools",
    "“prefix” is reserved for the proxy's own tools",
  ]);
});

test("names that would not survive in a path are refused", () => {
  for (const name of ["", ".", "..", "a/b", "a b", "ä", "-", "a".repeat(65)]) expect(messages({ mcpServers: { [name]: x } })).toHaveLength(1);
  for (const name of ["a", "A.b-c_d", "9", "a".repeat(64)]) expect(configIn({ mcpServers: { [name]: x } }).backends[0]?.name).toBe(name);
});

test("two servers that give the same public names are a collision, unless one is disabled or both have no prefix", () => {
  expect(messages({ mcpServers: { a: x, b: { ...x, prefix: "a" }, c: { ...x, prefix: "z" }, d: { ...x, prefix: "z" } } })).toEqual([
    "“prefix” gives the same public names as “a” (give each server a prefix of its own)",
    "“prefix” gives the same public names as “c” (give each server a prefix of its own)",
  ]);
  expect(messages({ mcpServers: { b: { ...x, prefix: "a" }, a: x } })).toEqual(["“a” gives the same public names as “b” (give each server a prefix of its own)"]);
  expect(configIn({ mcpServers: { a: x, b: { ...x, prefix: "a", disabled: true } } }).backends.length).toBe(2);
  expect(configIn({ mcpServers: { a: { ...x, prefix: "" }, b: { ...x, prefix: "" } } }).backends.length).toBe(2);
});

test("there may be as many servers as the limit says", () => {
  const servers = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`s${index}`, x]));
  expect(messages({ mcpServers: servers })).toEqual(["“mcpServers” has 257 servers; limits.backendsMax is 256"]);
  expect(configIn({ mcpServers: servers, limits: { backendsMax: 300 } }).backends.length).toBe(257);
});

test("a template has a name of its own, and not the one of the running proxy beside it", () => {
  const found = issuesIn({ mcpServers: { a: { command: "x" } }, mcpTemplates: { a: { command: "x" }, server: { command: "x" }, b__c: { command: "x" }, "1mcp": { command: "x" }, fine: { command: "{{project.path}}" } } });
  expect(lines(found).map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "“a” is the name of a server too (rename one of them)",
    "“server” is what the running proxy is called beside it (rename it)",
    "“b__c” must not contain the separator “__” (rename the server, or choose another names.separator)",
    "“1mcp” is reserved for the proxy's own tools",
  ]);
});
