import { expect, test } from "bun:test";
import { configIn, issuesIn, lines, serverIn } from "../fixtures/config.ts";

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

test("the catalog is full unless the file says otherwise", () => {
  expect([configIn({}).catalog, configIn({ catalog: "search" }).catalog]).toEqual(["full", "search"]);
  expect(messages({ catalog: "serch" })).toEqual(["“catalog” must be “full” or “search”, not this string (did you mean “search”?)"]);
});
