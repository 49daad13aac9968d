import { expect, test } from "bun:test";
import fc from "fast-check";
import { createKnownSecrets } from "../../src/base/index.ts";
import { StderrRing } from "../../src/backend/stderr.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const make = (bytesMax = 400, ...known: string[]) => {
  const secrets = createKnownSecrets();
  for (const secret of known) secrets.add(secret);
  const seen: string[] = [];
  return { ring: new StderrRing(bytesMax, secrets, (line) => seen.push(line)), seen };
};

test("the last lines are kept, the oldest go first", () => {
  const { ring, seen } = make(40);
  for (let line = 0; line < 20; line++) ring.feed(bytes(`line ${line}\n`));
  expect(ring.lines().at(-1)).toBe("line 19");
  expect(ring.lines().join("").length).toBeLessThanOrEqual(40);
  expect(seen).toHaveLength(20);
});

test("lines come together from pieces, also within a character, and a last one without line end counts", () => {
  const { ring } = make();
  const text = bytes("grüß\r\ngott");
  for (const byte of text) ring.feed(Uint8Array.of(byte));
  ring.end();
  expect(ring.lines()).toEqual(["grüß", "gott"]);
  expect(ring.last()).toBe("gott");
});

test("secrets and terminal controls do not get through", () => {
  const { ring } = make(400, "hunter2-hunter2");
  ring.feed(bytes("\u001b[31mtoken\u001b[0m=hunter2-hunter2\tend\u0007\n"));
  expect(ring.lines()).toEqual(["token=[secret] end\\u0007"]);
});

test("a secret on the edge of what is kept of a long line leaves no beginning behind", () => {
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 110 }), fc.integer({ min: 1, max: 64 }), (before, size) => {
      const { ring } = make(400, "SECRETSECRETSECRET");
      const text = bytes(`${"a".repeat(before)}SECRETSECRETSECRET${"b".repeat(300)}\n`);
      for (let from = 0; from < text.length; from += size) ring.feed(text.subarray(from, from + size));
      expect(ring.lines().join("")).not.toContain("SEC");
      expect(ring.lines().join("").length).toBeLessThanOrEqual(400);
    }),
  );
});

test("a flood without line end is bounded", () => {
  const { ring } = make(400);
  for (let chunk = 0; chunk < 1000; chunk++) ring.feed(bytes("x".repeat(1000)));
  ring.end();
  expect(ring.lines()).toEqual(["x".repeat(100)]);
});
