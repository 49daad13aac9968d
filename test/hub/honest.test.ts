import { expect, test } from "bun:test";
import { CancelSource, defaultLimits, type Fault, fault } from "../../src/base/index.ts";
import { honestyOf, markRetried, mayRunAgain, retriedKey } from "../../src/hub/honest.ts";
import { rawOf, rpcErrorOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { done } from "../fixtures/pool.ts";

const toolWith = (annotations: string): string => `{"name":"t","inputSchema":{"type":"object"},"annotations":${annotations}}`;
const honest = (failure: Fault, method = "tools/call", tool: string | null = null) => honestyOf(failure, callOf(method), tool, defaultLimits);
const again = (failure: Fault, more: Parameters<typeof callOf>[2] = {}, tool: string | null = null, method = "tools/call") => mayRunAgain(failure, callOf(method, "{}", more), tool, defaultLimits);
const gone = (sent: boolean): Fault => fault("BACKEND_GONE", { backend: "b", data: { sent } });
const reads = toolWith('{"readOnlyHint":true}');

test("what was certainly not sent may be made again; else only what reads, or says that it may", () => {
  expect(honest(gone(false))).toEqual({ sent: false, retry: "safe" });
  expect(honest(gone(true))).toEqual({ sent: true, retry: "unsafe" });
  for (const method of ["resources/read", "prompts/get", "completion/complete"]) expect(honest(gone(true), method)).toEqual({ sent: true, retry: "safe" });
  const hints = [reads, toolWith('{"idempotentHint":true}'), toolWith('{"readOnlyHint":false,"idempotentHint":false}'), toolWith('{"readOnlyHint":"true"}'), toolWith("7"), toolWith("{}"), '{"name":"t"}'];
  expect(hints.map((tool) => honest(gone(true), "tools/call", tool)?.retry)).toEqual(["safe", "safe", "unsafe", "unsafe", "unsafe", "unsafe", "unsafe"]);
});

test("where nobody knows whether it was sent, it counts as sent", () => {
  expect(honest(fault("BACKEND_GARBLED"))).toEqual({ sent: true, retry: "unsafe" });
  expect(honest(fault("BACKEND_TIMEOUT", { data: { sent: true } }))?.sent).toBe(true);
});

test("a limit of ours was reached before anything was sent; what is not about a server says nothing of one", () => {
  expect(honest(fault("LIMIT_REACHED"))).toEqual({ sent: false, retry: "safe" });
  for (const code of ["CALL_CANCELLED", "PARAMS_INVALID", "INTERNAL"] as const) expect(honest(fault(code))).toBeNull();
});

test("a call is made again only if the server fell under it, and only if that is safe", () => {
  expect(again(gone(false))).toBe(true);
  expect(again(gone(true))).toBe(false);
  expect(again(gone(true), {}, reads)).toBe(true);
  expect(again(fault("BACKEND_DOWN", { data: { sent: false } }))).toBe(true);
  // It was known to be away, and the call never came near it.
  expect(again(fault("BACKEND_DOWN", { data: { sent: false, state: "backing-off" } }))).toBe(false);
  // It answered, that it cannot.
  expect(again(fault("BACKEND_DOWN"), {}, reads)).toBe(false);
  for (const code of ["BACKEND_TIMEOUT", "BACKEND_BUSY", "BACKEND_GARBLED", "BACKEND_REFUSED"] as const) expect(again(fault(code, { data: { sent: false } }), {}, reads)).toBe(false);
});

test("who has given up, or may have heard of progress, is not served twice", () => {
  const cancel = new CancelSource();
  cancel.cancel("enough");
  expect(again(gone(false), { cancel })).toBe(false);
  expect(again(gone(true), { progress: true }, reads)).toBe(false);
  expect(again(gone(false), { progress: true }, reads)).toBe(true);
});

test("a result says that it is one of a second try, beside what else it says; a server's error stays as it came", () => {
  const marked = (text: string): string => {
    const outcome = markRetried(done(text), defaultLimits);
    return outcome.kind === "done" ? rawOf(outcome.result) : "";
  };
  expect(marked('{"content":[]}')).toBe(`{"content":[],"_meta":{"${retriedKey}":true}}`);
  expect(marked('{"_meta":{"a":1.0},"content":[]}')).toBe(`{"_meta":{"a":1.0,"${retriedKey}":true},"content":[]}`);
  const failed = { kind: "failed", error: rpcErrorOf(fault("INTERNAL")), backend: "b" } as const;
  expect(markRetried(failed, defaultLimits)).toBe(failed);
});
