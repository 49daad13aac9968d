import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { createKnownSecrets, defaultLimits, fixedBounds, reveal, Secret } from "../../src/base/index.ts";

describe("a secret", () => {
  const secret = new Secret("hunter2!");

  test.each([
    ["a template", () => `${secret}`],
    ["JSON", () => JSON.stringify({ secret })],
    ["inspect", () => inspect({ secret })],
    ["Bun's inspect", () => Bun.inspect({ secret })],
    ["String", () => String(secret)],
    ["concatenation", () => "" + secret],
    ["an error's message", () => new Error(`no ${secret}`).message],
    ["its members", () => JSON.stringify(Object.entries(secret))],
  ])("does not show its value through %s", (_way, print) => {
    expect(print()).not.toContain("hunter2!");
  });

  test("gives its value only when asked by name", () => {
    expect(secret.reveal()).toBe("hunter2!");
    expect(reveal(secret)).toBe("hunter2!");
    expect(reveal("plain")).toBe("plain");
  });
});

describe("known secrets", () => {
  test("are taken out of any text, wherever and however often they stand there", () => {
    const known = createKnownSecrets();
    known.add("s3cr3t-value");
    known.add(new Secret("another one"));
    expect(known.scrub("s3cr3t-value, another one and s3cr3t-value")).toBe("[secret], [secret] and [secret]");
  });

  test("leave nothing behind where one contains the other", () => {
    const known = createKnownSecrets();
    known.add("abcdef");
    known.add("abcdefghij");
    expect(known.scrub("key=abcdefghij")).toBe("key=[secret]");
  });

  test("never survive in a text made of them", () => {
    const value = fc.string({ minLength: fixedBounds.secretLengthMin }).filter((text) => !"[secret]".includes(text));
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
        const known = createKnownSecrets();
        known.add(secret);
        expect(known.scrub(`${before}\u0000${secret}\u0000${after}`)).toContain("\u0000[secret]\u0000");
      }),
    );
  });

  test("mask what is shaped like one of our tokens without knowing it", () => {
    expect(createKnownSecrets().scrub(`Bearer 1mcp_${"a1B".repeat(14)}x, done`)).toBe("Bearer [secret], done");
    const signed = ["eyJhbGciOiJFUzI1NiJ9", "eyJpc3MiOiJodHRwOi8vYSJ9", "c2lnbmF0dXJlLW9mLXNvbWUtbGVuZ3Ro"].join(".");
    expect(createKnownSecrets().scrub(`token=${signed}; eyJ.a.b is none`)).toBe("token=[secret]; eyJ.a.b is none");
  });

  test("leave short values alone, which would garble every line", () => {
    const known = createKnownSecrets();
    known.add("a1");
    expect(known.scrub("a1 and a1")).toBe("a1 and a1");
  });

  test("are bounded: the oldest is forgotten first", () => {
    const known = createKnownSecrets();
    for (let n = 0; n <= defaultLimits.secretsMax; n += 1) known.add(`secret-${n}-end`);
    expect(known.scrub("secret-0-end")).toBe("secret-0-end");
    expect(known.scrub("secret-1-end")).toBe("[secret]");
    expect(known.scrub(`secret-${defaultLimits.secretsMax}-end`)).toBe("[secret]");
  });

  test("are as many as was said", () => {
    const known = createKnownSecrets({ secretsMax: 1 });
    for (const value of ["secret-a", "secret-b"]) known.add(value);
    expect(known.scrub("secret-a secret-b")).toBe("secret-a [secret]");
  });

  test("that the operator wrote down stay known, however many tokens come and go", () => {
    const known = createKnownSecrets();
    known.add("written down");
    for (let n = 0; n <= defaultLimits.secretsMax; n += 1) known.add(`token-${n}-end`, true);
    expect(known.scrub(`written down, token-0-end, token-${defaultLimits.secretsMax}-end`)).toBe("[secret], token-0-end, [secret]");
  });
});
