import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { Counter } from "../../src/base/meter.ts";
import { refusal, replyOf } from "../../src/front/reply.ts";
import { Unread } from "../../src/front/unread.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { openFront, post } from "../fixtures/front.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { createSmallEras, json, streaming } from "../fixtures/smallEras.ts";

const text = (chunk: { value?: Uint8Array | undefined }): string => new TextDecoder().decode(chunk.value);

describe("a streamed answer", () => {
  test("carries each chunk as it comes, after a first comment, with headers that keep buffers out of the way", async () => {
    const { out, queue } = streaming();
    await using front = await openFront({ eras: createSmallEras(() => out) });
    const answer = await post(front.url);
    expect([answer.headers.get("content-type"), answer.headers.get("x-accel-buffering"), answer.headers.get("cache-control")]).toEqual(["text/event-stream", "no", "no-cache, no-transform"]);
    queue.push("data: 1\n\n");
    queue.push("data: ü\n\n");
    queue.end();
    expect(await answer.text()).toBe(": \n\ndata: 1\n\ndata: ü\n\n");
  });

  test("is open before anything is said on it", async () => {
    const { out, queue } = streaming();
    await using front = await openFront({ eras: createSmallEras(() => out) });
    expect((await fetch(front.url)).status).toBe(200);
    queue.end();
  });

  test("gives a sign of life after so long a silence, and none while there is talk", async () => {
    const clock = createTestClock();
    const { out, queue } = streaming();
    let ended = 0;
    const reader = replyOf(out, null, { clock, heartbeatMs: 100, sent: new Counter(), unread: new Unread(1), who: "a", onEnd: () => (ended += 1) }).body?.getReader();
    if (reader === undefined) throw new Error("no body");
    expect(text(await reader.read())).toBe(": \n\n");
    let next = reader.read();
    await clock.advance(60);
    queue.push("data: 1\n\n");
    expect(text(await next)).toBe("data: 1\n\n");
    next = reader.read();
    await clock.advance(60);
    queue.push("data: 2\n\n");
    expect(text(await next)).toBe("data: 2\n\n");
    next = reader.read();
    await clock.advance(99);
    await clock.advance(1);
    expect(text(await next)).toBe(": \n\n");
    next = reader.read();
    await clock.advance(100);
    expect(text(await next)).toBe(": \n\n");
    next = reader.read();
    queue.push("data: 3\n\n");
    expect(text(await next)).toBe("data: 3\n\n");
    queue.end();
    expect((await reader.read()).done).toBe(true);
    expect([ended, clock.pending]).toEqual([1, 0]);
  });

  test("gives it in time though the clock is set back meanwhile", async () => {
    const clock = createTestClock();
    let backMs = 0;
    const { out, queue } = streaming();
    const reader = replyOf(out, null, { clock: { ...clock, now: () => clock.now() - backMs }, heartbeatMs: 100, sent: new Counter(), unread: new Unread(1), who: "a", onEnd: () => undefined }).body?.getReader();
    if (reader === undefined) throw new Error("no body");
    await reader.read();
    const next = reader.read();
    backMs = 3_600_000;
    let isHeard = false;
    void next.then(() => (isHeard = true));
    for (let times = 0; times < 3; times += 1) await clock.advance(100);
    expect(isHeard).toBe(true);
    queue.end();
    while (!(await reader.read()).done);
  });

  test("that its reader cancels is over at once, timers included", async () => {
    const clock = createTestClock();
    let cancelled = 0;
    let ended = 0;
    const { out } = streaming({ onCancel: () => (cancelled += 1) });
    const reader = replyOf(out, null, { clock, heartbeatMs: 100, sent: new Counter(), unread: new Unread(1), who: "a", onEnd: () => (ended += 1) }).body?.getReader();
    await reader?.read();
    const waiting = reader?.read();
    await reader?.cancel();
    await waiting;
    expect([cancelled, ended, clock.pending]).toEqual([1, 1, 0]);
  });

  test("that breaks inside breaks outside, rather than looking complete", async () => {
    const broken = { next: () => Promise.reject(new Error("inside")), cancel: () => undefined };
    let ended = 0;
    const reply = replyOf({ status: 200, headers: {}, stream: broken }, null, { clock: createTestClock(), heartbeatMs: 100, sent: new Counter(), unread: new Unread(1), who: "a", onEnd: () => (ended += 1) });
    await expect(reply.text()).rejects.toThrow("inside");
    await reply.text().catch(() => undefined);
    expect(ended).toBe(1);
  });

  test("to a reader who does not read ends at the bound of its queue, and others are served meanwhile", async () => {
    const { out, queue } = streaming({ bytesMax: 100_000 });
    await using front = await openFront({ eras: createSmallEras((request) => (request.selection.server === "slow" ? out : json("{}"))) });
    await using slow = await rawConnection(front.url);
    slow.write(`GET /mcp/slow HTTP/1.1\r\nHost: ${front.host}\r\n\r\n`);
    await slow.until(": \n\n");
    slow.pause();
    const chunk = `data: ${"x".repeat(50_000)}\n\n`;
    let pushed = 0;
    while (queue.push(chunk) && pushed < 2000) {
      pushed += 1;
      if (pushed % 10 === 0) expect((await post(front.url)).status).toBe(200);
    }
    // What is on its way in socket buffers is the kernel's; beyond it no more than the bound is kept.
    expect(pushed).toBeLessThan(2000);
    expect((await post(front.url)).status).toBe(200);
  });
});

test("a refusal is a JSON-RPC error without id, under the fault's own status", async () => {
  const answer = refusal(fault("LIMIT_REACHED"), { "X-Extra": "1" });
  expect([answer.status, answer.headers.get("content-type"), answer.headers.get("x-extra")]).toEqual([429, "application/json", "1"]);
  expect(await answer.json()).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: -32603, data: { code: "LIMIT_REACHED" } } });
});

