import { describe, expect, test } from "bun:test";
import { olderSchema } from "../../src/era/elicitation.ts";
import { located } from "../fixtures/serve.ts";

const older = (properties: string) => olderSchema(located(`{"type":"object","properties":${properties},"required":["a"]}`));

describe("a form for an older client", () => {
  test("names single choices by a list beside the values", () => {
    expect(older('{"a":{"type":"string","title":"T","oneOf":[{"const":"s","title":"Small"},{"const":"l"}]},"b":{"type":"number","default":1.10}}')).toBe(
      '{"type":"object","properties":{"a":{"type":"string","title":"T","enum":["s","l"],"enumNames":["Small","l"]},"b":{"type":"number","default":1.10}},"required":["a"]}',
    );
  });

  test("is as it came where it says nothing new", () => {
    const plain = '{"a":{"type":"string","enum":["x"],"enumNames":["X"]}}';
    expect(older(plain)).toBe(`{"type":"object","properties":${plain},"required":["a"]}`);
    expect(olderSchema(located('{"type":"object"}'))).toBe('{"type":"object"}');
  });

  test("is none where no word of that revision would be right", () => {
    expect(older('{"a":{"type":"array","items":{"type":"string","enum":["x"]}}}')).toBeNull();
    expect(older('{"a":{"type":"string","oneOf":[{"title":"without value"}]}}')).toBeNull();
    expect(older('{"a":{"type":"string","oneOf":"x"}}')).toBeNull();
    expect(older('{"a":true}')).toBeNull();
  });
});
