import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { soundnessOf } from "../../src/catalog/tool.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { located } from "../fixtures/serve.ts";

const judged = (raw: string) => soundnessOf(located(raw), defaultLimits);
const mergedText = (raw: string): string | null => {
  const soundness = judged(raw);
  return soundness.ok ? rawOf(soundness.merged) : null;
};

describe("a tool for lists of all servers", () => {
  test("a sound tool keeps every byte", () => {
    const raw = '{"x-unknown": 1.10,"name":"t","inputSchema":{ "type" : "object","9":1,"10":12345678901234567890}}';
    expect(mergedText(raw)).toBe(raw);
  });

  test("a schema without a type gets the only one that is allowed, at its end", () => {
    expect(mergedText('{"name":"t","inputSchema":{"properties":{}},"z":1}')).toBe('{"name":"t","inputSchema":{"properties":{},"type":"object"},"z":1}');
    expect(mergedText('{"name":"t","inputSchema":{}}')).toBe('{"name":"t","inputSchema":{"type":"object"}}');
  });

  test.each(['{"name":"t"}', '{"name":"t","inputSchema":null}', '{"name":"t","inputSchema":true}', '{"name":"t","inputSchema":{"type":"string"}}', '{"name":"t","inputSchema":{"type":["object"]}}'])(
    "%s is not shown among those of other servers, but stays in its own server's list",
    (raw) => expect(judged(raw)).toMatchObject({ ok: false, everywhere: false }),
  );

  test.each(['"properties":5', '"properties":{"a":5}', '"properties":null', '"required":"a"', '"required":[1]'])("a schema with %s is not shown among those of other servers", (members) => {
    expect(judged(`{"name":"t","inputSchema":{"type":"object",${members}}}`)).toMatchObject({ ok: false, everywhere: false });
  });

  test("a schema that says true or false for a property says it as an object", () => {
    expect(mergedText('{"name":"t","inputSchema":{"properties":{"a":true,"b":{"n":1.10},"c":false}}}')).toBe('{"name":"t","inputSchema":{"properties":{"a":{},"b":{"n":1.10},"c":{"not":{}}},"type":"object"}}');
  });

  // Checklist: S4
  test("a broken header annotation takes the tool out everywhere and says why", () => {
    const soundness = judged('{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}');
    expect(soundness).toMatchObject({ ok: false, everywhere: true, reason: expect.stringContaining("x-mcp-header") });
  });

  test("a valid header annotation is kept", () => {
    expect(judged('{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}}').ok).toBe(true);
  });
});

test("the page of an app that a tool names is found at its current and at its old place", () => {
  const tool = (meta: string): string => `{"name":"t","inputSchema":{"type":"object"},"_meta":${meta}}`;
  expect(judged(tool('{"ui":{"resourceUri":"ui://a"}}'))).toMatchObject({ linked: "ui://a" });
  expect(judged(tool('{"ui/resourceUri":"ui://b"}'))).toMatchObject({ linked: "ui://b" });
  expect(judged(tool("{}"))).toMatchObject({ linked: null });
  expect(judged('{"name":"t","inputSchema":{"type":"object"}}')).toMatchObject({ linked: null });
});
