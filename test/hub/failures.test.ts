import { expect, test } from "bun:test";
import { fault, type Log, nullLog } from "../../src/base/index.ts";
import { awayFault, Failures } from "../../src/hub/failures.ts";
import { retriedKey } from "../../src/hub/honest.ts";
import { callOf } from "../fixtures/calls.ts";
import { configOf, done, specOf } from "../fixtures/pool.ts";
import { callTool, type Stage, stageOf, textOf } from "../fixtures/stage.ts";

const reads = '{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}';
const writes = '{"name":"change","inputSchema":{"type":"object"}}';

/** A server under which the first calls fall, as many as the test says. */
async function falling(falls: number, sent = true): Promise<Stage & { asked(): number }> {
  const stage = await stageOf(configOf(specOf("web")));
  const backend = stage.pool.backend("web");
  backend.offer({ tools: [reads, writes] });
  let left = falls;
  backend.answer = async () => {
    left -= 1;
    if (left >= 0) throw fault("BACKEND_GONE", { backend: "web", detail: "it crashed", data: { sent } });
    return done('{"content":[]}');
  };
  backend.again = () => true;
  return { ...stage, asked: () => backend.calls.length };
}
const dataOf = (text: string): Record<string, unknown> => (JSON.parse(text) as { data: Record<string, unknown> }).data;

test("a call that may be made twice is, and its result says so", async () => {
  const stage = await falling(1);
  expect(await callTool(stage.hub, "web__look")).toBe(`{"content":[],"_meta":{"${retriedKey}":true}}`);
  expect(stage.asked()).toBe(2);
});

test("one that was not sent is made again, whatever it does", async () => {
  const stage = await falling(1, false);
  expect(await callTool(stage.hub, "web__change")).toContain(retriedKey);
});

test("one that may have run is not, and the error says what is known", async () => {
  const stage = await falling(1);
  expect(dataOf(await callTool(stage.hub, "web__change"))).toMatchObject({ code: "BACKEND_GONE", backend: "web", sent: true, retry: "unsafe" });
  expect(stage.asked()).toBe(1);
});

test("it is made again once, and the second failure is told with both", async () => {
  const stage = await falling(2);
  expect(dataOf(await callTool(stage.hub, "web__look"))).toMatchObject({ code: "BACKEND_GONE", backend: "web", sent: true, retry: "safe", retried: true });
  expect(stage.asked()).toBe(2);
});

test("what may have run the first time may have run, though the second time it was certainly not sent", async () => {
  const stage = await falling(0);
  let falls = 0;
  stage.pool.backend("web").answer = async () => {
    falls += 1;
    throw fault("BACKEND_GONE", { backend: "web", detail: "it crashed", data: { sent: falls === 1 } });
  };
  expect(dataOf(await callTool(stage.hub, "web__look"))).toMatchObject({ sent: true, retry: "safe", retried: true });
});

test("where the server is not back, or the budget is spent, the first failure is told", async () => {
  const stage = await falling(1);
  stage.pool.backend("web").again = () => false;
  expect(dataOf(await callTool(stage.hub, "web__look"))).toMatchObject({ code: "BACKEND_GONE", sent: true, retry: "safe" });
  expect(stage.asked()).toBe(1);
});

test("while the program ends nothing is made again", async () => {
  const stage = await falling(1);
  const backend = stage.pool.backend("web");
  const answer = Promise.withResolvers<never>();
  backend.answer = () => answer.promise;
  const call = callTool(stage.hub, "web__look");
  await stage.clock.settle();
  void stage.hub.drain(1000);
  answer.reject(fault("BACKEND_GONE", { backend: "web", data: { sent: true } }));
  expect(dataOf(await call)).toMatchObject({ code: "BACKEND_GONE", retry: "safe" });
  expect(stage.asked()).toBe(1);
});

test("a failure is one line in the log, at the level of its row, with what the error says; the quiet ones are none", () => {
  const lines: string[] = [];
  const keep = (level: string) => (message: string, fields?: object) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...nullLog, info: keep("info"), warn: keep("warn"), error: keep("error"), debug: keep("debug") };
  const failures = new Failures(log, () => false);
  failures.told(fault("BACKEND_GONE", { backend: "web" }), callOf("tools/call"), { sent: true, retry: "unsafe" });
  failures.told(fault("CALL_CANCELLED"), callOf("tools/call"));
  failures.told(fault("INTERNAL", { cause: new TypeError("a bug") }), callOf("tools/call"));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('"server":"web"');
  expect(lines[0]).toContain('"retry":"unsafe"');
  expect(lines[1]).toContain("a bug");
});

test("a server that is known to be away certainly got nothing", () => {
  const outcome = new Failures(nullLog, () => false).told(awayFault("web", "tools/call", "it crashed"), callOf("tools/call"));
  expect(dataOf(textOf(outcome))).toMatchObject({ code: "BACKEND_DOWN", backend: "web", sent: false, retry: "safe" });
});
