import { expect, test } from "bun:test";
import * as v from "valibot";
import { valueEither } from "../../src/config/reference.ts";

test("a value is a text, or exactly one word on where to take it from", () => {
  const good = ["", "text", { $env: "A" }, { $file: "a" }, { $cred: "a.pem" }, { $keychain: "service/name" }];
  const bad = [1, null, [], {}, { $env: "A", $file: "a" }, { $env: "1" }, { $file: "" }, { $cred: "../x" }, { $keychain: "name" }, { $other: "x" }];
  expect(good.map((value) => v.is(valueEither, value))).toEqual(good.map(() => true));
  expect(bad.map((value) => v.is(valueEither, value))).toEqual(bad.map(() => false));
});
