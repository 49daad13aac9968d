import { describe, expect, test } from "bun:test";
import { argumentsFrom, argumentsOf, parametersOf, targetOf } from "../../src/cli/invocation.ts";

const path = parametersOf({ type: "object", properties: { depth: { type: "integer" }, path: { type: "string" } }, required: ["depth", "path", 7] });

test("a target is a server, or a tool of it, whose name may hold slashes", () => {
  expect(targetOf("files")).toEqual({ server: "files", tool: null });
  expect(targetOf("files/read/all")).toEqual({ server: "files", tool: "read/all" });
});

describe("arguments", () => {
  test("are a JSON object, and nothing else", () => {
    expect(argumentsOf('{"a":1}')).toEqual({ a: 1 });
    for (const text of ["", "[1]", "null", "a=1", "{"]) expect(() => argumentsOf(text)).toThrow("--args must be a JSON object");
  });

  test("on standard input are an object, or the first required string", () => {
    expect(argumentsFrom('{"path":"/x"}', path)).toEqual({ path: "/x" });
    expect(argumentsFrom("/some/file\n", path)).toEqual({ path: "/some/file" });
    expect(argumentsFrom("two\nlines\r\n", path)).toEqual({ path: "two\nlines" });
    expect(argumentsFrom("[1,2]", path)).toEqual({ path: "[1,2]" });
    expect(argumentsFrom(" \n", path)).toEqual({});
  });

  test("that nothing takes are refused", () => {
    expect(() => argumentsFrom("text", parametersOf({ properties: { n: { type: "number" } }, required: ["n"] }))).toThrow("no required string to take it");
    expect(() => argumentsFrom("text", parametersOf(null))).toThrow("no required string");
  });
});
