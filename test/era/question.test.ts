import { describe, expect, test } from "bun:test";
import { askerOf, kindOf, legacyMissing, legacyParams, modernParams, refusedAnswer, relayedRequests, requestEntry, responseOf, silentAnswer } from "../../src/era/question.ts";
import { located } from "../fixtures/serve.ts";

const none = located("{}");

describe("a question", () => {
  test("is known by its method", () => {
    expect(["elicitation/create", "sampling/createMessage", "roots/list", "tools/call"].map(kindOf)).toEqual(["elicitation", "sampling", "roots", null]);
  });

  test("says who asks where many could, and changes not one more byte of what a person reads", () => {
    expect(askerOf("files", null)).toBe("files");
    expect(askerOf("files", "files")).toBeNull();
    expect(askerOf("", null)).toBeNull();
    expect(modernParams("elicitation", located('{"message":"W\\u0068o?","x":1.10}'), 'a"b')).toBe('{"message":"[a\\"b] W\\u0068o?","x":1.10}');
    expect(modernParams("elicitation", located('{"message":5}'), "a")).toBe('{"message":5}');
    expect(modernParams("sampling", located('{"systemPrompt":"p","message":"m"}'), "a")).toBe('{"systemPrompt":"p","message":"m"}');
  });

  test("loses what belongs to one hop", () => {
    expect(modernParams("elicitation", located('{"task":{},"elicitationId":"e","_meta":{"progressToken":1},"message":"m"}'), null)).toBe('{"message":"m"}');
    expect(modernParams("elicitation", located('{"_meta":{"progressToken":1,"x":2}}'), null)).toBe('{"_meta":{"x":2}}');
    expect(modernParams("roots", null, "a")).toBeNull();
  });

  test("gives no server the conversations with others", () => {
    for (const context of ['"thisServer"', '"allServers"', '"none"']) expect(modernParams("sampling", located(`{"includeContext":${context}}`), null)).toBe('{"includeContext":"none"}');
    expect(modernParams("sampling", none, null)).toBe("{}");
  });

  test("for an older client has its words only", () => {
    expect(legacyParams("elicitation", located('{"mode":"form","message":"m","requestedSchema":{"properties":{}}}'), "s", "2025-06-18")).toBe('{"message":"[s] m","requestedSchema":{"properties":{}}}');
    expect(legacyParams("elicitation", located('{"mode":"form","message":"m"}'), null, "2025-11-25")).toBe('{"mode":"form","message":"m"}');
    expect(legacyParams("elicitation", located('{"message":"m","requestedSchema":{"properties":{"a":{"type":"array"}}}}'), null, "2025-06-18")).toBe("inexpressible");
    expect(legacyParams("roots", null, null, "2024-11-05")).toBeNull();
    const several = '{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"user","content":{"type":"text","text":"c"}},5]}';
    expect(legacyParams("sampling", located(several), null, "2025-11-25")).toBe(several);
    expect(legacyParams("sampling", located(several), null, "2025-06-18")).toBe('{"messages":[{"role":"user","content":{"type":"text","text":"a"}},{"role":"user","content":{"type":"text","text":"b"}},{"role":"user","content":{"type":"text","text":"c"}},5]}');
    const heard = '{"messages":[{"role":"user","content":{"type":"audio","data":"QQ==","mimeType":"audio/wav"}},{"role":"user","content":{"type":"text","text":"\\"audio\\""}},{"role":"user"}]}';
    expect(legacyParams("sampling", located(heard), null, "2025-03-26")).toBe(heard);
    expect(legacyParams("sampling", located(heard), null, "2024-11-05")).toBe('{"messages":[{"role":"user","content":{"type":"text","text":"[audio, audio/wav]"}},{"role":"user","content":{"type":"text","text":"\\"audio\\""}},{"role":"user"}]}');
    expect(legacyParams("sampling", located('{"messages":[{"role":"user","content":[{"type":"audio"}]}]}'), null, "2024-11-05")).toBe('{"messages":[{"role":"user","content":{"type":"text","text":"[audio, of an unknown type]"}}]}');
    expect(legacyParams("sampling", located('{"messages":1}'), null, "2025-06-18")).toBe('{"messages":1}');
  });

  test("that sends to a page has an id for an older client, the server's own if it gave one", () => {
    const minted = JSON.parse(legacyParams("elicitation", located('{"mode":"url","url":"https://a"}'), null, "2025-11-25") ?? "");
    expect(minted).toEqual({ mode: "url", url: "https://a", elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/u) });
    expect(legacyParams("elicitation", located('{"mode":"url","elicitationId":"e"}'), null, "2025-11-25")).toBe('{"mode":"url","elicitationId":"e"}');
  });

  test("can be asked of a session by what its revision knows", () => {
    const all = located('{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}');
    const url = located('{"mode":"url"}');
    const tools = located('{"tools":[]}');
    expect(legacyMissing("elicitation", none, all, "2025-06-18")).toBeNull();
    expect(legacyMissing("elicitation", none, all, "2025-03-26")).toEqual({ elicitation: { form: {} } });
    expect(legacyMissing("elicitation", url, all, "2025-06-18")).toEqual({ elicitation: { url: {} } });
    expect(legacyMissing("elicitation", url, all, "2025-11-25")).toBeNull();
    expect(legacyMissing("sampling", tools, all, "2025-06-18")).toEqual({ sampling: { tools: {} } });
    expect(legacyMissing("sampling", tools, all, "2025-11-25")).toBeNull();
    expect(legacyMissing("sampling", none, all, "2024-11-05")).toBeNull();
    expect(legacyMissing("roots", none, none, "2024-11-05")).toEqual({ roots: {} });
  });

  test("that was refused is a wrong parameter where only the mode is undeclared, else an unknown method", () => {
    const code = (declared: string) => {
      const answer = refusedAnswer("elicitation", { elicitation: { url: {} } }, located(declared));
      return answer.ok || [answer.error.code, JSON.parse(answer.error.raw).data];
    };
    const data = { origin: "1mcp", requiredCapabilities: { elicitation: { url: {} } } };
    expect(code('{"elicitation":{}}')).toEqual([-32602, data]);
    expect(code("{}")).toEqual([-32601, data]);
    const elsewhere = refusedAnswer("roots", null, none);
    expect(elsewhere.ok || JSON.parse(elsewhere.error.raw)).toMatchObject({ code: -32601, data: { origin: "1mcp" } });
  });

  test("of a modern backend reads as any other, and what is no question stays as it is", () => {
    const requests = '{"a":{"method":"elicitation/create","params":{"message":"m"},"x":1.0},"b":{"method":"roots/list"},"c":5,"d":{"method":"odd","params":{}}}';
    expect(relayedRequests(located(requests), "s")).toBe(requests.replace('"m"', '"[s] m"'));
    expect(requestEntry("roots", null)).toBe('{"method":"roots/list"}');
  });
});

describe("an answer", () => {
  const read = (kind: "elicitation" | "sampling" | "roots", answer: unknown) => responseOf(kind, located(JSON.stringify({ a: answer })), "a");

  test("has the shape of its kind", () => {
    for (const good of [{ action: "accept", content: {} }, { action: "decline" }, { action: "cancel", x: 1 }]) expect(read("elicitation", good)).toBe(JSON.stringify(good));
    for (const bad of [{}, { action: "toString" }, { action: "accept", content: 5 }, { action: 1 }, 5, null, []]) expect(read("elicitation", bad)).toBeNull();
    expect(read("sampling", { role: "assistant", model: "m", content: { type: "text", text: "" } })).not.toBeNull();
    expect(read("sampling", { role: "assistant", model: "m", content: [] })).not.toBeNull();
    for (const bad of [{ role: "assistant", content: {} }, { model: "m", content: {} }, { role: "assistant", model: "m", content: "x" }]) expect(read("sampling", bad)).toBeNull();
    expect(read("roots", { roots: [] })).toBe('{"roots":[]}');
    for (const bad of [{}, { roots: {} }]) expect(read("roots", bad)).toBeNull();
    expect(responseOf("roots", none, "a")).toBeNull();
  });

  test("of somebody silent cancels a form, and is an error for all else", () => {
    expect(silentAnswer("elicitation")).toEqual({ ok: true, result: '{"action":"cancel"}' });
    const codes = (["sampling", "roots"] as const).map((kind) => {
      const answer = silentAnswer(kind);
      return answer.ok || answer.error.code;
    });
    expect(codes).toEqual([-1, -32603]);
  });
});
