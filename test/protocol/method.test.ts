import { expect, test } from "bun:test";
import { methods } from "../../src/protocol/method.ts";

test("each list method lists one kind, and each kind has one", () => {
  const lists = Object.values(methods).filter((row) => row.kind === "list");
  expect(lists.map((row) => row.lists).sort()).toEqual(["prompts", "resources", "templates", "tools"]);
  expect(Object.values(methods).filter((row) => row.kind !== "list").every((row) => row.lists === null && row.target !== null)).toBe(true);
});

test("the parameter that names the target is known", () => {
  expect((["tools/call", "prompts/get", "resources/read", "completion/complete"] as const).map((name) => methods[name].target)).toEqual(["name", "name", "uri", "ref"]);
});

test("the table cannot be changed", () => {
  expect(Object.isFrozen(methods)).toBe(true);
  expect(Object.values(methods).every(Object.isFrozen)).toBe(true);
});
