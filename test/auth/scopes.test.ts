import { expect, test } from "bun:test";
import fc from "fast-check";
import { isScope, narrowed, offered, parseScopes } from "../../src/auth/scopes.ts";

const scope: fc.Arbitrary<string> = fc.constantFrom("tag:a", "tag:b", "server:c", "admin:read", "offline_access", "unknown");
const scopes = fc.uniqueArray(scope);

test("a parameter is a list of scopes, each once; what cannot be one spoils it", () => {
  expect([parseScopes(undefined), parseScopes(""), parseScopes("a  b a")]).toEqual([[], [], ["a", "b"]]);
  for (const text of ["a\tb", 'a"', "a\\b", "ü", "x".repeat(257), Array.from({ length: 201 }, (_, index) => index).join(" ")]) expect(parseScopes(text)).toBeNull();
  expect(isScope("tag:web")).toBe(true);
});

test("narrowing never gives what was not granted, and all of it where nothing is asked for", () => {
  fc.assert(
    fc.property(scopes, scopes, (granted, asked) => {
      const given = narrowed(granted, asked);
      const wanted = asked.filter((one) => one !== "offline_access");
      if (given === null) expect(wanted.some((one) => !granted.includes(one))).toBe(true);
      else {
        for (const one of given) expect(granted).toContain(one);
        expect(given).toEqual(wanted.length === 0 ? granted : wanted);
      }
    }),
  );
  expect(narrowed(null, ["tag:a"])).toBeNull();
});

test("what is offered is what was asked for and exists, else all there is, and never anything else", () => {
  const grantable = ["tag:a", "tag:b", "server:c"].map((one) => ({ scope: one }));
  fc.assert(
    fc.property(scopes, (asked) => {
      const given = offered(asked, grantable);
      const known = grantable.filter((one) => asked.includes(one.scope));
      expect(given.map((one) => one.scope)).toEqual((known.length > 0 ? known : grantable).map((one) => one.scope));
      for (const one of given) expect(one.asked).toBe(asked.includes(one.scope));
    }),
  );
});
