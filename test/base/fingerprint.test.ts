import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fingerprint, Secret } from "../../src/base/index.ts";

describe("a fingerprint", () => {
  test("is the SHA-256 of the canonical text", () => {
    expect(fingerprint({ b: [1, "x", null], a: true })).toBe(new Bun.CryptoHasher("sha256").update('{"a":true,"b":[1,"x",null]}').digest("hex"));
  });

  test("does not depend on the order of members, at any depth", () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).reverse().map(([name, member]) => [name, shuffled(member)]));
    };
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(fingerprint(shuffled(value))).toBe(fingerprint(value))));
  });

  test("differs where JSON differs", () => {
    const wire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(fingerprint(a) === fingerprint(b)).toBe(Bun.deepEquals(wire(a), wire(b)));
      }),
    );
    expect(fingerprint([1, 2])).not.toBe(fingerprint([2, 1]));
    expect(fingerprint({ a: "1" })).not.toBe(fingerprint({ a: 1 }));
    expect(fingerprint({ a: null })).not.toBe(fingerprint({}));
  });

  test("takes undefined members for absent", () => {
    expect(fingerprint({ a: 1, b: undefined })).toBe(fingerprint({ a: 1 }));
  });

  test("sees a changed secret, and a secret like its plain text", () => {
    expect(fingerprint({ key: new Secret("old-value") })).not.toBe(fingerprint({ key: new Secret("new-value") }));
    expect(fingerprint({ key: new Secret("old-value") })).toBe(fingerprint({ key: "old-value" }));
  });

  test.each([[new Map([["a", 1]])], [new Date(0)], [() => 1], [undefined], [Number.NaN], [1n]])("refuses %p, whose content it could not see", (value) => {
    expect(() => fingerprint({ value: [value] })).toThrow(TypeError);
  });
});
