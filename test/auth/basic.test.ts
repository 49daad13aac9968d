import { expect, test } from "bun:test";
import fc from "fast-check";
import { basicOf, parseBasic } from "../../src/auth/basic.ts";

test("id and secret are encoded as in a form before they are joined", () => {
  expect(basicOf("our:client", "a+b c")).toBe(`Basic ${btoa("our%3Aclient:a%2Bb+c")}`);
});

test("what is sent is what is read, whatever is in it", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
  fc.assert(fc.property(text, text, (id, secret) => expect(parseBasic(basicOf(id, secret))).toEqual({ id, secret })));
});

test("an empty secret is none, and what cannot be read is nothing", () => {
  expect(parseBasic(basicOf("c", ""))).toEqual({ id: "c", secret: null });
  for (const odd of ["", "Basic", "Basic ü", "Bearer Yzpz", basicOf("", "s"), `Basic ${btoa("%:s")}`, `Basic ${"A".repeat(2049)}`]) expect(parseBasic(odd)).toBeNull();
});
