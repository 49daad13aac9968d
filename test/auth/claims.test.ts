import { expect, test } from "bun:test";
import fc from "fast-check";
import { scopesByClaims } from "../../src/auth/claims.ts";
import type { ClaimRule } from "../../src/config/index.ts";

const rule = (claim: string, contains: string | null, equals: string | null, ...scopes: string[]): ClaimRule => ({ claim, contains, equals, scopes });

test("a rule holds for a list with the text in it, for one word of a text, and for exactly that text", () => {
  const rules = [rule("groups", "web", null, "tag:web"), rule("scp", "read", null, "tag:read"), rule("team", null, "eng", "tag:eng"), rule("/realm/roles", "admin", null, "tag:a"), rule("/https:~1~1x", null, "1", "tag:x")];
  const scopes = (claims: object): readonly string[] => scopesByClaims({ scopes: ["tag:all"], rules }, claims as Record<string, unknown>);
  expect(scopes({ groups: ["mail", "web"], scp: "write read", team: "eng", realm: { roles: ["admin"] }, "https://x": "1" })).toEqual(["tag:all", "tag:web", "tag:read", "tag:eng", "tag:a", "tag:x"]);
  expect(scopes({ groups: ["website"], scp: "reader", team: "engineering", realm: ["roles"] })).toEqual(["tag:all"]);
  expect(scopes({ groups: { web: true }, scp: 1, team: ["eng"], realm: null })).toEqual(["tag:all"]);
});

test("nothing that a token holds grants what no rule names, and an inherited name is none", () => {
  const rules = [rule("toString", null, "x", "tag:x"), rule("/__proto__/a", "b", null, "tag:y"), rule("groups", "web", null, "tag:web")];
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => scopesByClaims({ scopes: [], rules }, claims).every((scope) => rules.some((one) => one.scopes.includes(scope)))));
  expect(scopesByClaims({ scopes: [], rules }, {})).toEqual([]);
});
