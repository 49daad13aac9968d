import { expect, test } from "bun:test";
import { configIn, issuesIn, lines, read, serverIn } from "../fixtures/config.ts";

const x = { command: "x" };
const messages = (config: object): string[] => lines(issuesIn(config)).map((line) => line.replace(/^\S+ /, ""));

test("rules arrive as they are written, and a server without any has none", () => {
  expect(serverIn(x).tools).toBeNull();
  expect(serverIn({ ...x, tools: {} }).tools).toEqual({ allow: null, deny: [], rename: new Map(), descriptions: new Map() });
  const tools = { allow: ["get_*"], deny: ["get_secret"], rename: { get_all: "all" }, descriptions: { get_all: "" } };
  expect(serverIn({ ...x, tools }).tools).toEqual({ allow: ["get_*"], deny: ["get_secret"], rename: new Map([["get_all", "all"]]), descriptions: new Map([["get_all", ""]]) });
});

test("rules may change while the server runs on", () => {
  expect(serverIn({ ...x, tools: { deny: ["a"] } }).fingerprint).toBe(serverIn(x).fingerprint);
});

test("what is no rule is refused", () => {
  expect(messages({ mcpServers: { a: { ...x, tools: { alow: [] } } } })).toEqual(["“alow” is not a known key (did you mean “allow”?)"]);
  expect(messages({ mcpServers: { a: { ...x, tools: { deny: [""], rename: { b: "ü" } } } } })).toEqual([
    "“deny” must not be empty",
    "“b” is not a tool's name: 1 to 128 letters, digits, “_”, “.” and “-”",
  ]);
});

test("two tools that get one name are a collision with its place, in one server and across servers without a prefix", () => {
  const text = '{\n "mcpServers": {\n  "a": {\n   "command": "x",\n   "tools": { "rename": { "b": "n", "c": "n" } }\n  }\n }\n}';
  expect(lines(issuesIn(text))).toEqual(["5:37 “c” gets the name that “b” gets (give each tool a name of its own)"]);
  const both = (more: object) => ({ mcpServers: { a: { ...x, prefix: "", tools: { rename: { b: "n" } } }, c: { ...x, tools: { rename: { d: "n" } }, ...more } } });
  expect(messages(both({ prefix: "" }))).toEqual(["“d” gets the name that “b” of “a” gets (give each tool a name of its own)"]);
  for (const more of [{}, { prefix: "", disabled: true }]) expect(read(both(more)).ok).toBe(true);
  expect(messages({ names: { separator: "-" }, mcpServers: { a: { ...x, prefix: "", tools: { rename: { t: "c-n" } } }, c: { ...x, tools: { rename: { d: "n" } } } } })).toHaveLength(1);
});

test("names of the proxy's own tools are not given away", () => {
  expect(messages({ mcpServers: { a: { ...x, prefix: "", tools: { rename: { b: "1mcp__call" } } } } })).toEqual(["“b” is a name of the proxy's own tools"]);
});

test("the catalog is full unless the file says otherwise", () => {
  expect([configIn({}).catalog, configIn({ catalog: "search" }).catalog]).toEqual(["full", "search"]);
  expect(messages({ catalog: "serch" })).toEqual(["“catalog” must be “full” or “search”, not this string (did you mean “search”?)"]);
});
