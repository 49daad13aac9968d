import { expect, test } from "bun:test";
import { issuesIn, lines, read } from "../fixtures/config.ts";

const x = { command: "x" };
const messages = (config: object): string[] => lines(issuesIn(config)).map((line) => line.replace(/^\S+ /, ""));

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

test("what is no text anywhere is an issue of the shape, and throws nothing", () => {
  const odd = { toString: false };
  for (const config of [{ mcpServers: { a: { ...x, prefix: odd } } }, { names: { separator: odd }, mcpServers: { a: { ...x } } }, { mcpServers: { a: { ...x, tools: { rename: { b: odd, c: odd } } } } }]) expect(messages(config).join("\n")).toMatch(/must be a string|text/u);
});
