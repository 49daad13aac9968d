import { expect, test } from "bun:test";
import * as v from "valibot";
import { isSafeWay, scopes, text, wholeNumber } from "../../src/config/shapes.ts";

const taken = (schema: v.GenericSchema, values: readonly unknown[]): boolean[] => values.map((value) => v.is(schema, value));

test("a text has something in it, and a number is whole and within its bounds", () => {
  expect(taken(text(), ["x", "", 1])).toEqual([true, false, false]);
  expect(taken(wholeNumber(1, 3, "So many."), [1, 3, 0, 4, 1.5, "1"])).toEqual([true, true, false, false, false, false]);
});

test("scopes are plain words without quotes, backslashes and blanks", () => {
  expect(taken(scopes("What."), [[], ["tag:a", "server:b"], [""], ["a b"], ['a"'], ["a\\"], ["ä"]])).toEqual([true, true, false, false, false, false, false]);
});

test("a way is safe with TLS, and on this computer", () => {
  const safe = ["https://a.example", "http://localhost", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]/x"];
  const open = ["http://a.example", "http://127.0.0.1.example", "http://localhost.example", "ftp://localhost", "http://[::2]"];
  expect([...safe, ...open].filter((url) => isSafeWay(new URL(url)))).toEqual(safe);
});
