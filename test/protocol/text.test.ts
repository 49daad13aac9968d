import { expect, test } from "bun:test";
import fc from "fast-check";
import { compactText, decodeText } from "../../src/protocol/text.ts";

const utf8 = new TextEncoder();

test("bytes that are not UTF-8 are refused: raw surrogates, overlong forms, cut characters", () => {
  for (const bytes of [[0xed, 0xa0, 0x80], [0xc0, 0x80], [0xe2, 0x82], [0xff], [0x80]]) expect(decodeText(new Uint8Array(bytes))).toBeNull();
});

test("a byte order mark at the beginning is dropped, one further on is text", () => {
  expect(decodeText(utf8.encode("\ufeff{}\ufeff"))).toBe("{}\ufeff");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (s) => decodeText(utf8.encode(`x${s}`)) === `x${s}`));
});

test("what is compacted has no line break and means the same", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom("\n", "\r\n\t", " \n  "), (json, gap) => {
      const pretty = JSON.stringify(JSON.parse(json), null, 2).replaceAll("\n", gap);
      const compact = compactText(pretty) as string;
      expect(compact).not.toMatch(/[\r\n\t]/);
      expect(JSON.parse(compact)).toEqual(JSON.parse(json));
    }),
  );
});

test("white space between two words keeps them apart, so that nothing invalid becomes valid", () => {
  expect(compactText("[1\n2,tr\tue, \n3]")).toBe("[1 2,tr ue,3]");
});

test("a control character that is no white space between values is refused", () => {
  for (const text of ['"a\nb"', "\u0000", "\u000b1", '"open\n']) expect(compactText(text)).toBeNull();
});
