import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { claimsVersion, classify, olderFault } from "../../src/era/classify.ts";
import { type Message, parseMessage } from "../../src/protocol/index.ts";
import { key } from "../fixtures/era.ts";

const message = (value: object): Message => {
  const parsed = parseMessage(JSON.stringify({ jsonrpc: "2.0", ...value }), defaultLimits);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.message;
};
const claim = { _meta: { [key.version]: "anything" } };

describe("the era of a message", () => {
  test.each([
    ["a claim in the body is modern, whatever the header says", { id: 1, method: "initialize", params: claim }, "2025-11-25", "modern"],
    ["a claim in the body is modern without a header", { id: 1, method: "tools/list", params: claim }, null, "modern"],
    ["a notification can claim it too", { method: "notifications/x", params: claim }, null, "modern"],
    ["a modern header alone is a modern client without its envelope", { id: 1, method: "tools/list" }, "2026-07-28", "modern"],
    ["a modern header makes a response modern, where it is wrong", { id: 1, result: {} }, "2026-07-28", "modern"],
    ["a handshake is legacy", { id: 1, method: "initialize", params: { protocolVersion: "2025-06-18" } }, null, "legacy"],
    ["a legacy header is legacy", { id: 1, method: "tools/list" }, "2025-06-18", "legacy"],
    ["an unknown header is legacy, and refused there", { id: 1, method: "tools/list" }, "1999-01-01", "legacy"],
    ["an answer is a session's", { id: 1, result: { _meta: { [key.version]: "x" } } }, null, "legacy"],
    ["other members of _meta claim nothing", { id: 1, method: "ping", params: { _meta: { progressToken: 1 } } }, null, "legacy"],
  ] as const)("%s", (_name, value, header, era) => {
    expect(classify(message(value), header)).toBe(era);
  });

  test("a failure claims nothing", () => {
    expect(claimsVersion(message({ id: 1, error: { code: 1, message: "x" } }))).toBe(false);
  });
});

describe("a request of the older era, where that is switched off", () => {
  const faultOf = (value: object): unknown => {
    const parsed = message({ id: 1, ...value });
    if (parsed.kind !== "request") throw new Error(parsed.kind);
    const { code, data } = olderFault(parsed);
    return [code, data];
  };

  test("is refused: a handshake with the versions that there are, all else for the envelope that it lacks", () => {
    const supported = ["2026-07-28"];
    expect(faultOf({ method: "initialize", params: { protocolVersion: "2025-06-18" } })).toEqual(["VERSION_UNSUPPORTED", { supported, requested: "2025-06-18" }]);
    expect(faultOf({ method: "initialize" })).toEqual(["VERSION_UNSUPPORTED", { supported, requested: null }]);
    expect(faultOf({ method: "tools/list" })).toEqual(["ENVELOPE_INVALID", undefined]);
  });
});
