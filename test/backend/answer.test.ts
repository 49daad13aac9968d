import { expect, test } from "bun:test";
import { defaultLimits, type EgressReply } from "../../src/base/index.ts";
import { isJson, isSse, readJson } from "../../src/backend/answer.ts";

/** An answer that was received as a whole. */
const replyOf = (type: string | null, body: Uint8Array | string, status = 200): EgressReply => ({
  status,
  header: (name) => (name === "content-type" ? type : null),
  read: () => Promise.resolve(null),
  all: () => Promise.resolve(typeof body === "string" ? new TextEncoder().encode(body) : body),
  cancel: () => undefined,
});

test("content types are read without parameters and without regard to case", () => {
  expect(isJson(replyOf("Application/JSON ; charset=utf-8", ""))).toBe(true);
  expect(isSse(replyOf("text/event-stream", ""))).toBe(true);
  expect([isJson(replyOf(null, "")), isSse(replyOf("text/event-streams", ""))]).toEqual([false, false]);
});

test("messages are looked for only where JSON is announced", async () => {
  const note = '{"jsonrpc":"2.0","method":"n"}';
  expect((await readJson(replyOf("application/json", note), defaultLimits, "b")).messages).toHaveLength(1);
  expect(await readJson(replyOf("text/plain", note), defaultLimits, "b")).toEqual({ messages: [], text: note });
  expect(await readJson(replyOf("application/json", '{"error":"x"}', 400), defaultLimits, "b")).toEqual({ messages: [], text: '{"error":"x"}' });
});

test("bytes that are no text are garbled in a success and nothing in a refusal", async () => {
  const bytes = Uint8Array.of(0xff);
  await expect(readJson(replyOf("application/json", bytes), defaultLimits, "b")).rejects.toMatchObject({ code: "BACKEND_GARBLED" });
  expect(await readJson(replyOf("text/html", bytes, 502), defaultLimits, "b")).toEqual({ messages: [], text: "" });
});
