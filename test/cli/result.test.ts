import { describe, expect, test } from "bun:test";
import { shownResult } from "../../src/cli/result.ts";

const show = (format: Parameters<typeof shownResult>[0], result: unknown, charsMax = 0, isTerminal = false) => shownResult(format, JSON.stringify(result), charsMax, isTerminal);
const text = (...texts: string[]) => ({ content: texts.map((one) => ({ type: "text", text: one })) });

describe("a result", () => {
  test("as JSON is exactly what came, whole, to the last digit", () => {
    expect(shownResult("json", '{"content":[],"n":1.10,"big":12345678901234567890}', 3, true)).toEqual({ text: '{"content":[],"n":1.10,"big":12345678901234567890}\n', cut: 0 });
  });

  test("as text is its text, and what is none is named", () => {
    const blocks = [{ type: "text", text: "a" }, { type: "image", data: "AAAA", mimeType: "image/png" }, { type: "resource_link", uri: "file:///x" }, { type: "resource", resource: { uri: "file:///y", text: "inside" } }, { type: "resource", resource: { uri: "file:///z", mimeType: "a/b" } }, { type: "strange" }];
    expect(show("text", { content: blocks }).text).toBe("a\n[image, image/png, 3 bytes; --format json has it]\n[resource file:///x]\ninside\n[resource file:///z a/b]\n[strange, of an unknown type, 0 bytes; --format json has it]\n");
    expect(show("text", { structuredContent: { a: 1 } }).text).toBe('{\n  "a": 1\n}\n');
    expect(show("text", {}).text).toBe("\n");
  });

  test("as TOON is its structure, also where that is written as text", () => {
    expect(show("toon", { ...text("ignored"), structuredContent: { a: [1, 2] } }).text).toBe("a[2]: 1,2\n");
    expect(show("toon", text('{"a":{"b":1}}')).text).toBe("a:\n  b: 1\n");
    expect(show("toon", text("plain words")).text).toBe("plain words\n");
    expect(show("toon", text("12")).text).toBe("12\n");
  });

  test("compact is one line", () => expect(show("compact", text("a\n  b", "c")).text).toBe("a b c\n"));

  test("ends where it was told to, never within a character, and says how much is left out", () => {
    expect(show("text", text("abcdef"), 4)).toEqual({ text: "abcd\n", cut: 2 });
    expect(show("text", text("ab\u{1f600}"), 3)).toEqual({ text: "ab\n", cut: 2 });
  });

  test("drives no terminal, and is untouched in a pipe", () => {
    expect(show("text", text("\u001b[2Jx\ty\r\nz"), 0, true).text).toBe("\\u001b[2Jx    y\nz\n");
    expect(show("text", text("\u001b[2Jx"), 0, false).text).toBe("\u001b[2Jx\n");
  });
});
