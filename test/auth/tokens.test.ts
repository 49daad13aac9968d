import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { createCode, createId, createSecret, digestOf, isSecretShape, parseCode } from "../../src/auth/tokens.ts";

test("a secret has a fixed beginning, 256 bits and a checksum, so that scanners find it and it is nobody else's", () => {
  const secret = createSecret(randomBytes);
  expect(secret).toMatch(/^1mcp_[0-9A-Za-z]{49}$/);
  expect(isSecretShape(secret)).toBe(true);
  expect(new Set(Array.from({ length: 200 }, () => createSecret(randomBytes))).size).toBe(200);
});

test("one wrong character is enough to be none of ours", () => {
  const secret = createSecret(randomBytes);
  fc.assert(
    fc.property(fc.nat(secret.length - 1), fc.constantFrom(..."09AZaz_-"), (at, character) => {
      fc.pre(secret[at] !== character);
      expect(isSecretShape(secret.slice(0, at) + character + secret.slice(at + 1))).toBe(false);
    }),
  );
  for (const text of ["", "1mcp_", secret.slice(1), `${secret}0`, secret.slice(0, -1), "x".repeat(54)]) expect(isSecretShape(text)).toBe(false);
});

test("every character is as likely as the others: bytes that would favour some are left out", () => {
  const given: number[] = [];
  const counting = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, () => (given.push(given.length % 256), (given.length - 1) % 256));
  const counts = new Map<string, number>();
  for (let round = 0; round < 248; round++) for (const character of createSecret(counting).slice(5, 48)) counts.set(character, (counts.get(character) ?? 0) + 1);
  expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  expect(counts.size).toBe(62);
});

test("what is kept of a secret is its SHA-256", () => {
  expect(digestOf("abc")).toBe("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
});

test("a code that people type is read however they type it", () => {
  const code = createCode(randomBytes);
  expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  for (const typed of [code, code.toLowerCase(), code.replace("-", ""), ` ${code.replace("-", " ")} `]) expect(parseCode(typed)).toBe(code);
  for (const typed of ["", "HRCL", "HRCL-PCVJX", `HRCL-PCVJ${" ".repeat(40)}`]) expect(parseCode(typed)).toBeNull();
});

test("an id says what it is of, and nobody guesses it", () => expect(createId(randomBytes, "g_")).toMatch(/^g_[0-9A-Za-z]{10}$/));
