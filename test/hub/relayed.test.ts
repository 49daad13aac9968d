import { expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { RelayedCall } from "../../src/hub/relayed.ts";
import type { Ask, Call, Notice } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";

test("everything of a relayed call is the other's own, at the moment that it is asked for", async () => {
  const notices: Notice[] = [];
  const asks: Ask[] = [];
  const state = { away: false };
  const base = callOf("tools/call", '{"name":"a"}', {
    number: 7,
    callId: "c-7",
    meta: '{"x":1}',
    progress: true,
    logLevel: "info",
    resume: { responses: null, state: "s", backend: "b" },
    session: { id: "s1", ended: new CancelSource() },
    backend: "b",
    paramHeaders: () => ({ "mcp-param-a": "1" }),
    notice: (notice) => void notices.push(notice),
    ask: async (ask) => (asks.push(ask), { ok: true, result: "{}" }),
  });
  const origin: Call = Object.defineProperty({ ...base }, "away", { get: () => state.away, enumerable: true });
  const relayed: Call = new RelayedCall(origin);
  for (const key of ["number", "callId", "method", "params", "meta", "principal", "selection", "client", "progress", "logLevel", "cancel", "resume", "session", "backend"] as const) expect(relayed[key]).toBe(origin[key]);
  expect(relayed.paramHeaders()).toEqual({ "mcp-param-a": "1" });
  expect(relayed.away).toBe(false);
  state.away = true;
  expect(relayed.away).toBe(true);
  relayed.notice({ kind: "other", method: "m", params: null });
  expect(notices).toHaveLength(1);
  const ask: Ask = { kind: "roots", params: null, backend: "b", cancel: new CancelSource() };
  expect(await relayed.ask(ask)).toEqual({ ok: true, result: "{}" });
  expect(asks).toEqual([ask]);
});
