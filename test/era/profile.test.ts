import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/base/index.ts";
import { carriedCapabilities, isDeclared, profileOf, relayableCapabilities } from "../../src/era/profile.ts";

const told = (capabilities: string, isAlone = false, isOne = false): string => profileOf(capabilities, defaultLimits, { isAlone, isOne }).capabilities;
const extensions = '{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["a"]},"io.modelcontextprotocol/tasks":{},"dev.example/x":{"n":1.10}},"experimental":{"e":{}}}';

describe("what an older backend is told of a client", () => {
  test.each([
    ["{}", "{}"],
    ["[]", "{}"],
    ['{"elicitation":{}}', '{"elicitation":{}}'],
    ['{"elicitation":{"form":{"x":1}}}', '{"elicitation":{}}'],
    ['{"elicitation":{"url":{},"form":{}}}', '{"elicitation":{"form":{},"url":{}}}'],
    ['{"elicitation":{"url":{}}}', '{"elicitation":{"url":{}}}'],
    ['{"elicitation":{"voice":{}}}', "{}"],
    ['{"elicitation":true,"sampling":null,"roots":[]}', "{}"],
    ['{"sampling":{"context":{},"tools":{"y":2},"z":{}}}', '{"sampling":{"tools":{},"context":{}}}'],
    ['{"roots":{"listChanged":true},"sampling":{}}', '{"sampling":{},"roots":{}}'],
    ['{"tasks":{"requests":{"elicitation":{"create":{}}}},"roots":{}}', '{"roots":{}}'],
    [extensions, '{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["a"]}}}'],
  ])("of %s is %s", (declared, expected) => {
    expect(told(declared)).toBe(expected);
  });

  test("holds extensions of its own only for a backend that the client sees alone, and never tasks", () => {
    expect(JSON.parse(told(extensions, true))).toEqual({ experimental: { e: {} }, extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["a"] }, "dev.example/x": { n: 1.1 } } });
    expect(told('{"extensions":{"io.modelcontextprotocol/tasks":{}}}', true)).toBe("{}");
  });

  test("promises changes of roots only to a backend whose one client declared them", () => {
    expect(["true", "false", '"yes"'].map((value) => told(`{"roots":{"listChanged":${value}}}`, false, true))).toEqual(['{"roots":{"listChanged":true}}', '{"roots":{}}', '{"roots":{}}']);
    expect([told('{"roots":{}}', true, true), told("{}", true, true)]).toEqual(['{"roots":{}}', "{}"]);
  });

  test("is everything that can be relayed where everybody shares it", () => {
    expect(told(relayableCapabilities)).toBe(relayableCapabilities);
  });

  test("is the same for clients that can do the same, and told again it stays so", () => {
    const part = fc.constantFrom("{}", '{"form":{}}', '{"url":{}}', '{"tools":{}}', '{"listChanged":true}', "1");
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("elicitation", "sampling", "roots", "tasks", "other"), part), (members) => {
        const texts = [Object.entries(members), Object.entries(members).toReversed()].map((entries) => `{${entries.map(([name, value]) => `"${name}":${value}`).join(",")}}`);
        const [one, other] = texts.map((text) => profileOf(text, defaultLimits));
        expect(one).toEqual(other as NonNullable<typeof other>);
        expect(profileOf(one?.capabilities ?? "", defaultLimits)).toEqual(one as NonNullable<typeof one>);
      }),
    );
  });

  test("can be asked what it names", () => {
    expect([isDeclared(relayableCapabilities, "roots", defaultLimits), isDeclared("{}", "roots", defaultLimits), isDeclared("x", "roots", defaultLimits)]).toEqual([true, false, false]);
  });
});

describe("what a newer backend is told with a request", () => {
  const carried = (capabilities: string, isAlone = false, hasTasks = true): string => carriedCapabilities(capabilities, defaultLimits, { isAlone, hasTasks });

  test.each([
    ["{}", "{}"],
    ["no", "{}"],
    ['{"roots":{"listChanged":true},"elicitation":{}}', '{"elicitation":{},"roots":{}}'],
    ['{"elicitation":{"form":{},"url":{"a":1}},"sampling":{"tools":{},"context":{}},"tasks":{}}', '{"elicitation":{"form":{},"url":{"a":1}},"sampling":{"tools":{},"context":{}}}'],
    ['{"elicitation":7,"own":{}}', "{}"],
  ])("of %s is %s", (declared, expected) => {
    expect(carried(declared)).toBe(expected);
  });

  test("names an extension only where both ends know whose it is", () => {
    const keys = (text: string): string[] => Object.keys((JSON.parse(text) as { extensions: object }).extensions);
    const [ui, tasks, own] = ["io.modelcontextprotocol/ui", "io.modelcontextprotocol/tasks", "dev.example/x"] as const;
    expect(keys(carried(extensions))).toEqual([ui, tasks]);
    expect(keys(carried(extensions, true))).toEqual([ui, tasks, own]);
    expect(keys(carried(extensions, true, false))).toEqual([ui, own]);
    expect(keys(carried(extensions, false, false))).toEqual([ui]);
    expect(carried(extensions)).not.toContain("experimental");
    expect(carried(extensions, true)).toContain('"experimental":{"e":{}}');
    expect(carried('{"extensions":{"dev.example/x":{}}}')).toBe("{}");
  });
});
