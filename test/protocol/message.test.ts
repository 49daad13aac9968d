import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits, fault } from "../../src/base/index.ts";
import { errorText, type Message, notificationText, parseMessage, requestText, resultText, rpcErrorOf } from "../../src/protocol/message.ts";
import { memberOf, rawOf, stringOf } from "../../src/protocol/object.ts";

const read = (text: string): Message => {
  const parsed = parseMessage(text, defaultLimits);
  if (!parsed.ok) throw new Error(`${parsed.code}: ${parsed.detail}`);
  return parsed.message;
};
const refusal = (text: string): unknown => {
  const parsed = parseMessage(text, defaultLimits);
  return parsed.ok ? "accepted" : { code: parsed.code, id: parsed.id };
};
const invalid = (id: string | null): unknown => ({ code: "MESSAGE_INVALID", id });

test("a request is located: id as written, method, params, _meta", () => {
  const message = read('{"id":12345678901234567890,"params":{"name":"x","arguments":{"n":1.10},"_meta":{"progressToken":9007199254740993}},"method":"tools\\/call","jsonrpc":"2.0"}');
  if (message.kind !== "request" || message.params === null || message.meta === null) throw new Error("no request");
  expect(message.id).toBe("12345678901234567890");
  expect(message.method).toBe("tools/call");
  expect(stringOf(message.params, "name")).toBe("x");
  expect(memberOf(message.params, "arguments")).toBe('{"n":1.10}');
  expect(memberOf(message.meta, "progressToken")).toBe("9007199254740993");
});

test("the four kinds are told apart", () => {
  expect(read('{"jsonrpc":"2.0","id":"a","method":"m"}')).toEqual({ kind: "request", id: '"a"', method: "m", params: null, meta: null });
  expect(read('{"jsonrpc":"2.0","method":"m"}')).toEqual({ kind: "notification", method: "m", params: null, meta: null });
  const result = read('{"jsonrpc":"2.0","id":1,"result":{"_meta":{"a":1}}}');
  expect(result.kind === "result" && [result.id, rawOf(result.result), result.meta && rawOf(result.meta)]).toEqual(["1", '{"_meta":{"a":1}}', '{"a":1}']);
  expect(read('{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"\\u00e9","data":[1.0],"more":1}}')).toEqual({
    kind: "failure",
    id: null,
    error: { code: -1, message: "é", data: "[1.0]", raw: '{"code":-1,"message":"\\u00e9","data":[1.0],"more":1}' },
  });
  expect(read('{"jsonrpc":"2.0","error":{"code":-1,"message":"m"}}')).toMatchObject({ kind: "failure", id: null });
});

test("a pretty-printed message with a line break in every gap is one line afterwards", () => {
  const message = read('\r\n{\n\t"jsonrpc" : "2.0",\n "id" : 1 ,\n "result" : {\r\n "a" : [ 1 ,\n 2 ] }\n}\n');
  expect(message.kind === "result" && rawOf(message.result)).toBe('{"a":[1,2]}');
});

test("_meta that is no object is left where it is", () => {
  expect(read('{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":7}}')).toMatchObject({ meta: null });
});

test("unknown members of the envelope are tolerated", () => {
  expect(read('{"jsonrpc":"2.0","id":1,"method":"m","trace":{"a":[]}}')).toMatchObject({ kind: "request" });
});

test.each([
  ['{"id":7,"method":"m"}', "7"],
  ['{"jsonrpc":"1.0","id":7,"method":"m"}', "7"],
  ['{"jsonrpc":2.0,"id":7,"method":"m"}', "7"],
  ['{"jsonrpc":"2.0","id":7}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":1}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","params":null}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","params":[1]}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","result":{}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","error":{"code":1,"message":""}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"result":1}', "7"],
  ['{"jsonrpc":"2.0","result":{}}', null],
  ['{"jsonrpc":"2.0","id":null,"result":{}}', null],
  ['{"jsonrpc":"2.0","id":null,"method":"m"}', null],
  ['{"jsonrpc":"2.0","id":1.0,"method":"m"}', null],
  ['{"jsonrpc":"2.0","id":1e3,"method":"m"}', null],
  ['{"jsonrpc":"2.0","id":true,"method":"m"}', null],
  ['{"jsonrpc":"2.0","id":{},"method":"m"}', null],
  ['{"jsonrpc":"2.0","id":7,"error":1}', "7"],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":"1","message":""}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":1.5,"message":""}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":99999999999999999999,"message":""}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"error":{"code":1}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","method":"n"}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","\\u006dethod":"n"}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","params":{"name":"a","n\\u0061me":"b"}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"a":1,"a":1}}}', "7"],
  ['{"jsonrpc":"2.0","id":7,"id":7,"method":"m"}', null],
  ["[]", null],
  ["1", null],
  ['"x"', null],
])("%p is JSON but no message, and its id is read if it can be", (text, id) => {
  expect(refusal(text)).toEqual(invalid(id));
});

test.each(["", "{", "[1", "{]", "nul", '{"jsonrpc":"2.0","id":7,"method":"m"', '{"jsonrpc":"2.0","id":7,"method":"m"}}', '{"jsonrpc":"2.0","id":7,"id":7,"method":"m"', '{"a":"\n"}', "NaN", "{'a':1}", "\u0000"])(
  "%p is no JSON",
  (text) => {
    expect(refusal(text)).toEqual({ code: "MESSAGE_INVALID_JSON", id: null });
  },
);

test("a message that is too deep is told from one that is no JSON, and keeps an id that came first", () => {
  const deep = "[".repeat(1_000_000);
  expect(refusal(`{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":${deep}`)).toEqual({ code: "MESSAGE_TOO_DEEP", id: "7" });
  expect(refusal(deep)).toEqual({ code: "MESSAGE_TOO_DEEP", id: null });
  const nested = `{"jsonrpc":"2.0","method":"m","params":${'{"_meta":'.repeat(70)}1${"}".repeat(71)}`;
  expect(refusal(nested)).toEqual({ code: "MESSAGE_TOO_DEEP", id: null });
});

test("an id may have 256 bytes and no more, counted in UTF-8", () => {
  const request = (id: string): string => `{"jsonrpc":"2.0","id":${id},"method":"m"}`;
  expect(read(request(`"${"x".repeat(254)}"`)).kind).toBe("request");
  expect(read(request("1".repeat(256))).kind).toBe("request");
  expect(refusal(request(`"${"x".repeat(255)}"`))).toEqual(invalid(null));
  expect(refusal(request(`"${"€".repeat(85)}"`))).toEqual(invalid(null));
  expect(read(request(`"${"€".repeat(84)}"`)).kind).toBe("request");
});

test("many members in params are bounded", () => {
  const params = Array.from({ length: defaultLimits.membersMax + 1 }, (_, i) => `"k${i}":${i}`).join();
  expect(refusal(`{"params":{${params}},"jsonrpc":"2.0","method":"m","id":5}`)).toEqual(invalid("5"));
});

test("what is written is read back as it was given", () => {
  const id = fc.oneof(fc.integer().map(String), fc.string({ maxLength: 40 }).map((s) => JSON.stringify(s)));
  const params = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true }).map((o) => JSON.stringify(o));
  fc.assert(
    fc.property(id, fc.string(), fc.option(params), (id, method, raw) => {
      const request = read(requestText(id, method, raw));
      expect(request.kind === "request" && [request.id, request.method, request.params && rawOf(request.params)]).toEqual([id, method, raw]);
      const notification = read(notificationText(method, raw));
      expect(notification.kind === "notification" && [notification.method, notification.params && rawOf(notification.params)]).toEqual([method, raw]);
      const result = read(resultText(id, raw ?? "{}"));
      expect(result.kind === "result" && [result.id, rawOf(result.result)]).toEqual([id, raw ?? "{}"]);
    }),
    { numRuns: 500 },
  );
});

test("an error that is relayed keeps its bytes, one of our own is written whole", () => {
  const raw = '{"data":1.10,"code":-5,"message":"x","more":[]}';
  expect(errorText("1", { code: -5, message: "x", data: "1.10", raw })).toBe(`{"jsonrpc":"2.0","id":1,"error":${raw}}`);
  expect(errorText(null, { code: -1, message: "x" })).toBe('{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}');
  expect(JSON.parse(errorText('"a"', { code: -1, message: "x", data: { y: 1 } }))).toEqual({ jsonrpc: "2.0", id: "a", error: { code: -1, message: "x", data: { y: 1 } } });
});

test("a fault becomes an error that says who is at fault and what to do", () => {
  const error = rpcErrorOf(fault("BACKEND_DOWN", { backend: "files", detail: "exit 1", data: { retry: true } }));
  expect(error.code).toBe(-32603);
  expect(error.message).toBe("files: the server is not available (exit 1)");
  expect(JSON.parse(error.raw)).toEqual({ code: error.code, message: error.message, data: JSON.parse(error.data ?? "") });
  expect(JSON.parse(error.data ?? "")).toMatchObject({ origin: "1mcp", code: "BACKEND_DOWN", backend: "files", retry: true });
  expect(JSON.parse(error.data ?? "").hint).toBeString();
  expect(rpcErrorOf(fault("INTERNAL")).data).not.toContain("backend");
});
