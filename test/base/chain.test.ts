import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AuditEntry, fixedBounds } from "../../src/base/index.ts";
import { auditLine, ChainCheck, digestOfLine, parseAuditLine, shortDigest } from "../../src/base/chain.ts";

const asIs = (text: string): string => text;

/** Lines of one life, chained from what came before. */
function linesOf(life: string, count: number, before: string | null = null): string[] {
  const lines: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const prev = lines.at(-1) ?? before;
    lines.push(auditLine({ ev: "tool.call", target: `files/t${number}` }, { at: number, life, number, prev: prev === null ? null : digestOfLine(prev) }, asIs));
  }
  return lines;
}

const wrongIn = (lines: readonly string[]): (string | null)[] => {
  const check = new ChainCheck();
  return lines.map((line) => check.take(line));
};

describe("a line", () => {
  test("says when, what and who, and leaves out what is not known", () => {
    const entry: AuditEntry = { ev: "authz.denied", addr: "203.0.113.9", grant: "g_1", need: ["server:b"], have: ["tag:a"], target: null };
    expect(JSON.parse(auditLine(entry, { at: 0, life: "abc", number: 7, prev: null }, asIs))).toEqual({ v: 1, t: "1970-01-01T00:00:00.000Z", id: "abc-7", ev: "authz.denied", addr: "203.0.113.9", grant: "g_1", need: ["server:b"], have: ["tag:a"], prev: null });
  });

  test("is one line of bounded length, whatever is in it, and JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2000 }), fc.array(fc.string({ unit: "binary" }), { maxLength: 100 }), (text, list) => {
        const line = auditLine({ ev: "tool.call", client: text, need: list }, { at: 0, life: "a", number: 1, prev: null }, asIs);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
        expect(line.length).toBeLessThan((2 + list.length) * 7 * fixedBounds.auditTextMax);
        const read = parseAuditLine(line);
        expect(read?.number).toBe(1);
        if (text.length <= fixedBounds.auditTextMax && text.isWellFormed()) expect(read?.fields["client"]).toBe(text);
      }),
    );
  });

  test("cuts a text after it was cleaned, so that no half of a secret stays, and a list", () => {
    const secret = "s3cret".repeat(10);
    const line = auditLine({ ev: "tool.call", client: "x".repeat(250) + secret, need: Array.from({ length: 100 }, (_, n) => `n${n}`) }, { at: 0, life: "a", number: 1, prev: null }, (text) => text.replaceAll(secret, "[secret]"));
    expect(line).not.toContain("s3cret");
    expect((JSON.parse(line) as { need: string[] }).need).toHaveLength(fixedBounds.auditListMax);
  });

  test("that is none of ours is told apart", () => {
    for (const line of ["", "{", "[]", "null", "7", "{}", '{"id":"a-0","t":"x","ev":"y","prev":null}', '{"id":"a-1","t":"x","ev":"y"}']) expect(parseAuditLine(line)).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => void parseAuditLine(text)));
  });
});

test("a digest stands for a value without showing it", () => {
  expect(shortDigest("1mcp_token")).toMatch(/^[0-9a-f]{8}$/);
  expect(shortDigest("a")).toBe(shortDigest("a"));
  expect(shortDigest("a")).not.toBe(shortDigest("b"));
});

describe("the chain", () => {
  test("of one life, of lives after each other, and of two that write at once is whole", () => {
    const first = linesOf("one", 3);
    const second = linesOf("two", 3, first[1] ?? null);
    const [a = "", b = "", c = ""] = first;
    const [x = "", y = "", z = ""] = second;
    expect(wrongIn([...first, ...linesOf("two", 2, c)])).toEqual([null, null, null, null, null]);
    expect(wrongIn([a, b, x, c, y, z])).toEqual([null, null, null, null, null, null]);
  });

  test("shows a line that was changed, taken away, added or moved", () => {
    const [a = "", b = "", c = "", d = ""] = linesOf("one", 4);
    const changed = b.replace("t2", "t9");
    expect(wrongIn([a, changed, c, d])).toEqual([null, null, "the line before it was changed", null]);
    expect(wrongIn([a, c, d])).toEqual([null, "it is number 3 of its life, after number 1", null]);
    expect(wrongIn([a, b, b, c])[2]).toContain("after number 2");
    expect(wrongIn([a, c, b, d]).filter((wrong) => wrong !== null)).toHaveLength(3);
    expect(wrongIn([a, "{half a li", b])).toEqual([null, "it is no line of an audit log, or a part of one", null]);
  });

  test("shows that a whole life was taken away, once another one was tied to it", () => {
    const first = linesOf("one", 2);
    const second = linesOf("two", 2, first[1] ?? null);
    const third = linesOf("three", 1, second[1] ?? null);
    expect(wrongIn([...first, ...third])).toEqual([null, null, "the line that it was written after is gone, or was changed"]);
    expect(wrongIn([...first, ...second.slice(1), ...third])[2]).toBe("what came before it in its life is gone");
  });

  test("begins anywhere: what is older than the oldest file is not known", () => {
    expect(wrongIn(linesOf("one", 5).slice(2))).toEqual([null, null, null]);
  });
});
