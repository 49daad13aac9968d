import { expect, test } from "bun:test";
import { methodOf, methods } from "../../src/protocol/method.ts";

test("each list method lists one kind, and each kind has one", () => {
  const lists = Object.values(methods).filter((row) => row.kind === "list");
  expect(lists.map((row) => row.lists).sort()).toEqual(["prompts", "resources", "templates", "tools"]);
  expect(Object.values(methods).filter((row) => row.kind !== "list").every((row) => row.lists === null && row.target !== null)).toBe(true);
});

test("the parameter that names the target is known", () => {
  expect([methodOf("tools/call"), methodOf("prompts/get"), methodOf("resources/read"), methodOf("completion/complete")].map((row) => row?.target)).toEqual(["name", "name", "uri", "ref"]);
});

test("what is no method has no row, whatever a peer calls it", () => {
  for (const name of ["", "tools", "Tools/Call", "toString", "__proto__", "constructor"]) expect(methodOf(name)).toBeNull();
});

test("the table cannot be changed", () => {
  expect(Object.isFrozen(methods)).toBe(true);
  expect(Object.values(methods).every(Object.isFrozen)).toBe(true);
});
