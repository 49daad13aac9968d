import { expect, test } from "bun:test";
import { createCallIds } from "../../src/base/index.ts";

test("calls are counted from one, and their ids are short", () => {
  const ids = createCallIds("life01");
  expect([ids.next(), ids.next()]).toEqual([1, 2]);
  expect([ids.textOf(1), ids.textOf(35), ids.textOf(36)]).toEqual(["life01-1", "life01-z", "life01-10"]);
});

test("two lives of the program share no id", () => {
  const prefixes = new Set(Array.from({ length: 100 }, () => createCallIds().textOf(1)));
  expect(prefixes.size).toBe(100);
  for (const id of prefixes) expect(id).toMatch(/^[0-9a-z]{6}-1$/);
});
