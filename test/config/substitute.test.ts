import { expect, test } from "bun:test";
import fc from "fast-check";
import { substitute } from "../../src/config/substitute.ts";

const of = (template: string, variables: Record<string, string> = {}) => substitute(template, new Map(Object.entries(variables)));

test("a reference becomes the variable's value, wherever it stands", () => {
  expect(of("a${X}b${Y}", { X: "1", Y: "2" })).toEqual({ text: "a1b2", names: ["X", "Y"], missing: [], broken: false });
});

test("a default stands in for a variable that is unset or empty", () => {
  expect(of("${X:-d}").text).toBe("d");
  expect(of("${X:-d}", { X: "" }).text).toBe("d");
  expect(of("${X:-d}", { X: "v" }).text).toBe("v");
  expect(of("${X:-}")).toMatchObject({ text: "", missing: [] });
  expect(of("${X}", { X: "" })).toMatchObject({ text: "", missing: [] });
});

test("a variable that is not set is named", () => {
  expect(of("${A}-${B}-${C:-c}", { B: "b" }).missing).toEqual(["A"]);
});

test("what only looks like a reference is reported, not passed on", () => {
  for (const text of ["${", "${}", "${env:HOME}", "${1X}", "${A-b}", "x ${A"]) expect(of(text, { A: "a" }).broken).toBe(true);
});

test("two dollar signs make a literal brace, one alone is a dollar sign", () => {
  expect(of("$${X} costs $5 and $X", { X: "v" })).toEqual({ text: "${X} costs $5 and $X", names: [], missing: [], broken: false });
});

test("a text without references comes out as it went in", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      fc.pre(!text.includes("${"));
      expect(of(text)).toEqual({ text, names: [], missing: [], broken: false });
    }),
  );
});

test("values are put in whole and never read again, whatever they hold", () => {
  const piece = fc.oneof(fc.constant("${A}"), fc.constant("${B:-x}"), fc.stringMatching(/^[a-z $]*$/).filter((text) => !text.endsWith("$")));
  fc.assert(
    fc.property(fc.array(piece), fc.string({ unit: "binary" }), fc.string({ minLength: 1 }), (pieces, a, b) => {
      const variables = { A: `\${B}${a}$&`, B: b };
      const expected = pieces.map((text) => (text === "${A}" ? variables.A : text === "${B:-x}" ? b : text)).join("");
      expect(of(pieces.join(""), variables).text).toBe(expected);
    }),
  );
});
