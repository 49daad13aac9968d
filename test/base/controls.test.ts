import { expect, test } from "bun:test";
import { escapeControls } from "../../src/base/controls.ts";

test("what drives a terminal, hides a word or has no width is shown by its number; everything else stays", () => {
  expect(escapeControls("\u001b[2J\u0007\u202e\u200b\u{e0041}\n")).toBe("\\u001b[2J\\u0007\\u202e\\u200b\\udb40\\udc41\\u000a");
  expect(escapeControls("Grüße, 世界 🎉 — “so”")).toBe("Grüße, 世界 🎉 — “so”");
});
