import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseChallenge, scopesOf } from "../../src/auth/remoteChallenge.ts";

const nothing = { error: null, scopes: [], resourceMetadata: null };

test("the challenge for bearer tokens is read, wherever it stands", () => {
  expect(parseChallenge('Bearer error="insufficient_scope", scope="a b a", resource_metadata="https://x.example/m"')).toEqual({ error: "insufficient_scope", scopes: ["a", "b"], resourceMetadata: new URL("https://x.example/m") });
  expect(parseChallenge('Basic realm="a, Bearer scope=\\"no\\"", bearer scope=one')).toEqual({ ...nothing, scopes: ["one"] });
  expect(parseChallenge('Bearer scope="first", DPoP scope="second"')).toEqual({ ...nothing, scopes: ["first"] });
  expect(parseChallenge('Bearer realm="say \\"hi\\"", error="x\\"y"').error).toBe('x"y');
});

test("the first of two members counts, and what is no URL is none", () => {
  expect(parseChallenge('Bearer scope="a", SCOPE="b", resource_metadata="nowhere"')).toEqual({ ...nothing, scopes: ["a"] });
});

test("without one there is nothing", () => {
  for (const header of [null, "", "Bearer", "Basic realm=x", "???", `Basic ${"x".repeat(10_000)} Bearer scope=a`]) expect(parseChallenge(header)).toEqual(nothing);
});

test("no header makes it throw or hang, and what comes of it are scopes", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^(Bearer|,| |=|"|\\|scope|error|a)*$/)), (header) => {
      for (const scope of parseChallenge(header).scopes) expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
    }),
  );
});

test("scopes are words of their own, each once", () => expect(scopesOf(' a\tb  a "quoted" ü c:d ')).toEqual(["a", "b", "c:d"]));
