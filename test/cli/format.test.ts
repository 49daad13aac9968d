import { expect, test } from "bun:test";
import { formatOf, shownAs, tameText } from "../../src/cli/format.ts";
import { keptOutput } from "../fixtures/cli.ts";

const asked = (given: Record<string, string>, terminal: boolean) => formatOf({ given: new Map(Object.entries(given)), stdout: keptOutput(terminal) });

test("without a word of it a person gets text, and a program TOON", async () => {
  expect([await asked({}, true), await asked({}, false), await asked({ format: "compact" }, true), await asked({ raw: "1" }, false)]).toEqual(["text", "toon", "compact", "json"]);
});

test("a value is shown as what was asked for", () => {
  expect(shownAs("json", { a: 1 }, () => "")).toBe('{\n  "a": 1\n}\n');
  expect(shownAs("toon", { a: 1 }, () => "")).toBe("a: 1\n");
  expect(shownAs("text", { a: 1 }, () => "words\n")).toBe("words\n");
});

test("lines stay lines, and nothing else drives a terminal", () => expect(tameText("a\r\nb\u0007\t\u202ec")).toBe("a\nb\\u0007    \\u202ec"));
