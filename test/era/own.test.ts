import { describe, expect, test } from "bun:test";
import { CancelSource, defaultLimits, fault, nullLog } from "../../src/base/index.ts";
import { createEras } from "../../src/era/index.ts";
import { emptyObject, type Outcome, rawOf } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createTestServe, done, located, question } from "../fixtures/serve.ts";

const form = { a: { method: "elicitation/create", params: { message: "Who?", requestedSchema: { type: "object", properties: {} } } } };

function made(capabilities = '{"elicitation":{"form":{}}}') {
  const serve = createTestServe();
  const eras = createEras({ serve, clock: createTestClock(), limits: defaultLimits, log: nullLog, identity: { name: "1mcp", version: "1" }, sealKey: new Uint8Array(32), clientEra: "any" });
  const cancel = new CancelSource();
  const [notices, asked]: [string[], string[]] = [[], []];
  const call = (): Promise<Outcome> =>
    eras.call({ method: "tools/call", params: emptyObject, principal: { id: "p", scopes: null }, selection: { server: "s" }, capabilities, cancel, notice: (text) => void notices.push(text), ask: async ({ kind, params }) => {
      asked.push(`${kind} ${params === null ? "" : rawOf(params)}`);
      return { ok: true, result: '{"action":"accept","content":{}}' };
    } });
  return { serve, call, cancel, notices, asked };
}

describe("a call of our own", () => {
  test("comes to what the server answers, and hears of its progress before", async () => {
    const { serve, call, notices } = made();
    serve.answer = (one) => {
      one.notice({ kind: "progress", params: located('{"progress":1,"total":2}') });
      return done({ content: [] });
    };
    expect(await call()).toMatchObject({ kind: "done" });
    expect(notices.map((text) => JSON.parse(text))).toMatchObject([{ method: "notifications/progress", params: { progress: 1, total: 2 } }]);
    expect(serve.calls[0]).toMatchObject({ method: "tools/call", selection: { server: "s" }, progress: true, client: { capabilities: '{"elicitation":{"form":{}}}' } });
  });

  test("answers questions in the middle, and those that come in place of an answer", async () => {
    const { serve, call, asked } = made();
    serve.answer = async (one) => {
      if (one.resume === null) {
        await one.ask({ kind: "elicitation", params: located('{"message":"First?"}'), backend: "s", cancel: new CancelSource() });
        return question(form, "state");
      }
      return done({ given: one.resume.responses });
    };
    const outcome = await call();
    expect(outcome.kind === "done" ? JSON.parse(rawOf(outcome.result)) : null).toEqual({ given: '{"a":{"action":"accept","content":{}}}' });
    expect(asked.map((one) => one.slice(0, 40))).toEqual(['elicitation {"message":"First?"}', 'elicitation {"message":"Who?","requested']);
  });

  test("is not asked what nobody there can answer", async () => {
    const { serve, call, asked } = made("{}");
    serve.answer = () => question(form, null);
    const outcome = await call();
    expect(outcome.kind === "done" ? rawOf(outcome.result) : "").toContain("needs a client with elicitation.form");
    expect(asked).toEqual([]);
  });

  test("ends with a failure, never a throw, and is cancelled with who makes it", async () => {
    const { serve, call, cancel } = made();
    serve.answer = () => Promise.reject(fault("BACKEND_DOWN"));
    expect(await call()).toMatchObject({ kind: "failed", error: { code: -32603 } });
    serve.answer = (one) => new Promise((resolve) => void one.cancel.onCancel(() => resolve(done({ late: true }))));
    const under = call();
    cancel.cancel("enough");
    expect(await under).toMatchObject({ kind: "done" });
  });
});
