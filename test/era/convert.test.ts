import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { legacyResult, withoutExecution } from "../../src/era/convert.ts";
import { type LegacyRevision, legacyRevisions } from "../../src/era/version.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { located } from "../fixtures/serve.ts";

const convert = (result: unknown, method: string, revision: LegacyRevision) => JSON.parse(legacyResult(located(JSON.stringify(result)), method, revision, defaultLimits));
const text = { type: "text", text: "t" };
const audio = { type: "audio", data: "QUJD", mimeType: "audio/wav" };
const link = { type: "resource_link", uri: "a://b", name: "b", title: "B" };

describe("a result for an old revision", () => {
  test("that has nothing new in it keeps every byte", () => {
    const plain = '{"content":[ {"type":"text","text":"\\u00e9"} ],"isError":false,"n":1.10,"structuredContent":{"a":12345678901234567890}}';
    expect(legacyResult(located(plain), "tools/call", "2025-11-25", defaultLimits)).toBe(plain);
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...legacyRevisions), (value, revision) => {
        const result = JSON.stringify({ contents: value });
        expect(legacyResult(located(result), "resources/read", revision, defaultLimits)).toBe(result);
      }),
      { numRuns: 200 },
    );
  });

  test("loses what only the other era has", () => {
    const modern = { resultType: "complete", ttlMs: 1, cacheScope: "public", contents: [], _meta: { "io.modelcontextprotocol/serverInfo": { name: "b" } } };
    expect(convert(modern, "resources/read", "2025-11-25")).toEqual({ contents: [] });
    expect(convert({ contents: [], _meta: { other: 1 } }, "resources/read", "2025-11-25")).toEqual({ contents: [], _meta: { other: 1 } });
  });

  test("has audio as an attachment where audio is unknown", () => {
    expect(convert({ content: [audio, text] }, "tools/call", "2025-03-26").content).toEqual([audio, text]);
    expect(convert({ content: [audio, text] }, "tools/call", "2024-11-05").content).toEqual([{ type: "resource", resource: { uri: "attachment:audio", mimeType: "audio/wav", blob: "QUJD" } }, text]);
  });

  test("has links as text where links are unknown", () => {
    expect(convert({ content: [link] }, "tools/call", "2025-06-18").content).toEqual([link]);
    expect(convert({ content: [link, { type: "text", text: '"audio"' }] }, "tools/call", "2025-03-26").content).toEqual([{ type: "text", text: "B: a://b" }, { type: "text", text: '"audio"' }]);
  });

  test("of a prompt is converted in the same way", () => {
    const messages = [{ role: "user", content: audio }, { role: "user", content: text }, { role: "user" }, 7];
    expect(convert({ messages }, "prompts/get", "2025-06-18").messages).toEqual(messages);
    expect(convert({ messages }, "prompts/get", "2024-11-05").messages[0].content.type).toBe("resource");
    expect(convert({ messages }, "prompts/get", "2024-11-05").messages.slice(1)).toEqual(messages.slice(1));
  });

  // Checklist: B22
  test("has structured content only as an object and only since it exists, and as text in any case", () => {
    expect(convert({ content: [], structuredContent: { a: 1 } }, "tools/call", "2025-06-18")).toEqual({ content: [], structuredContent: { a: 1 } });
    expect(convert({ content: [], structuredContent: [1, 2] }, "tools/call", "2025-11-25")).toEqual({ content: [{ type: "text", text: "[1,2]" }] });
    expect(convert({ content: [text], structuredContent: 5 }, "tools/call", "2025-11-25")).toEqual({ content: [text, { type: "text", text: "5" }] });
    const said = { type: "text", text: '[1, {"a": 2.0}]' };
    expect(convert({ content: [said], structuredContent: [1, { a: 2 }] }, "tools/call", "2025-11-25")).toEqual({ content: [said] });
    expect(convert({ content: [text], structuredContent: { a: 1 } }, "tools/call", "2025-03-26")).toEqual({ content: [text] });
    expect(convert({ structuredContent: { a: 1 } }, "tools/call", "2025-03-26")).toEqual({ content: [{ type: "text", text: '{"a":1}' }] });
    expect(convert({}, "tools/call", "2025-11-25")).toEqual({ content: [] });
  });

  // Checklist: B22
  test("lists tools without tasks, and with output schemas of objects only", () => {
    const tool = { name: "a", inputSchema: { type: "object" }, execution: { taskSupport: "optional" }, outputSchema: { type: "object" } };
    const array = { name: "b", inputSchema: { type: "object" }, outputSchema: { type: "array" } };
    expect(convert({ tools: [tool, array] }, "tools/list", "2025-11-25").tools).toEqual([{ name: "a", inputSchema: { type: "object" }, outputSchema: { type: "object" } }, { name: "b", inputSchema: { type: "object" } }]);
    expect(convert({ tools: [tool] }, "tools/list", "2025-03-26").tools).toEqual([{ name: "a", inputSchema: { type: "object" } }]);
    expect(convert({ tools: [{ name: "plain" }] }, "tools/list", "2024-11-05").tools).toEqual([{ name: "plain" }]);
  });

  test("is left alone where it is not what its method gives", () => {
    expect(convert({ tools: { outputSchema: 1 } }, "tools/list", "2025-11-25")).toEqual({ tools: { outputSchema: 1 } });
    expect(convert({ tools: ['"outputSchema"'] }, "tools/list", "2025-11-25")).toEqual({ tools: ['"outputSchema"'] });
    expect(convert({ content: { type: "audio" } }, "tools/call", "2024-11-05")).toEqual({ content: { type: "audio" } });
    expect(convert({ messages: { type: "audio" } }, "prompts/get", "2024-11-05")).toEqual({ messages: { type: "audio" } });
  });
});

/** What each revision knows, by the first that does; what stands in no row is a member, which harms nobody. */
describe("for every older revision, of whatever a newer server says", () => {
  const since: Readonly<Record<string, string>> = { text: "2024-11-05", image: "2024-11-05", resource: "2024-11-05", audio: "2025-03-26", resource_link: "2025-06-18" };
  // As they are once they were sent: JSON has no negative zero.
  const members = fc.dictionary(fc.constantFrom("title", "icons", "annotations", "_meta", "size", "x-own"), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }).map((sent) => JSON.parse(JSON.stringify(sent)) as Record<string, unknown>);
  const block = fc.tuple(fc.constantFrom(...Object.keys(since)), members).map(([type, more]) => ({ ...more, type, uri: "a://b", name: "n", text: "t", data: "QUJD", mimeType: "a/b", resource: { uri: "a://b", text: "t" } }));
  const typesOf = (content: { type: string }[]): string[] => content.map(({ type }) => type);
  const eachRevision = fc.constantFrom(...legacyRevisions);

  test("a tool's result holds kinds of content that it knows alone, in their order, and the others as such", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), fc.option(fc.jsonValue({ maxDepth: 2 })), eachRevision, (content, structuredContent, revision) => {
        const result = { content, isError: false, resultType: "complete", "x-own": 1, ...(structuredContent === null ? {} : { structuredContent }) };
        const converted = convert(result, "tools/call", revision);
        const known = content.filter(({ type }) => (since[type] ?? "") <= revision);
        expect(typesOf(converted.content).every((type) => (since[type] ?? "9") <= revision)).toBe(true);
        expect(converted.content.filter((one: object) => known.some((other) => Bun.deepEquals(one, other)))).toEqual(known);
        expect(converted.content.length - content.length).toBeOneOf([0, 1]);
        const isObject = typeof structuredContent === "object" && structuredContent !== null && !Array.isArray(structuredContent);
        expect("structuredContent" in converted).toBe(isObject && revision >= "2025-06-18");
        expect(converted).toMatchObject({ isError: false, "x-own": 1 });
        expect(converted).not.toHaveProperty("resultType");
        expect(convert(converted, "tools/call", revision)).toEqual(converted);
      }),
      { numRuns: 500 },
    );
  });

  test("a prompt holds one block of a known kind in each message", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), eachRevision, (contents, revision) => {
        const { messages } = convert({ messages: contents.map((content) => ({ role: "user", content })) }, "prompts/get", revision);
        expect(messages).toHaveLength(contents.length);
        for (const [index, { content }] of messages.entries()) {
          const original = contents[index];
          if ((since[original?.type ?? ""] ?? "") <= revision) expect(content).toEqual(original);
          else expect((since[content.type] ?? "9") <= revision).toBe(true);
        }
      }),
    );
  });

  test("a tool has output schemas of objects where it has any, no tasks, and all other members", () => {
    const schema = fc.oneof(fc.constantFrom<unknown>(undefined, true, { type: "object" }, { type: "array" }, { anyOf: [] }, { type: ["object", "null"] }), fc.jsonValue({ maxDepth: 1 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(schema, members, fc.boolean()), { minLength: 1, maxLength: 4 }), eachRevision, (sketches, revision) => {
        const tools = sketches.map(([outputSchema, more, isTask], index) => ({ ...more, name: `t${index}`, inputSchema: { type: "object" }, ...(outputSchema === undefined ? {} : { outputSchema }), ...(isTask ? { execution: { taskSupport: "optional" } } : {}) }));
        const listed = convert({ tools }, "tools/list", revision).tools;
        for (const [index, tool] of listed.entries()) {
          const { execution: _, outputSchema, ...rest } = JSON.parse(JSON.stringify(tools[index]));
          const isKept = revision >= "2025-06-18" && outputSchema?.type === "object" && !Array.isArray(outputSchema);
          expect(tool).toEqual(isKept ? { ...rest, outputSchema } : rest);
        }
      }),
    );
  });

  test("lists and contents are converted whole, however long they are", () => {
    const tools = Array.from({ length: defaultLimits.listItemsMax + 1 }, (_, index) => ({ name: `t${index}`, execution: {} }));
    expect(convert({ tools }, "tools/list", "2025-11-25").tools.some((tool: object) => "execution" in tool)).toBe(false);
    expect(rawOf(withoutExecution(located(JSON.stringify({ tools })), defaultLimits))).not.toContain("execution");
    const content = Array.from({ length: defaultLimits.listItemsMax + 1 }, () => link);
    expect(new Set(typesOf(convert({ content }, "tools/call", "2025-03-26").content))).toEqual(new Set(["text"]));
  });
});

test("a list of tools for a modern client has no execution, and else keeps every byte", () => {
  const plain = located('{"tools":[{"name":"a"}]}');
  expect(withoutExecution(plain, defaultLimits)).toBe(plain);
  const stripped = withoutExecution(located('{"tools":[{"name":"a","execution":{},"n":1.0},7],"nextCursor":"c"}'), defaultLimits);
  expect(rawOf(stripped)).toBe('{"tools":[{"name":"a","n":1.0},7],"nextCursor":"c"}');
  const odd = located('{"tools":{"execution":1}}');
  expect(withoutExecution(odd, defaultLimits)).toBe(odd);
});
