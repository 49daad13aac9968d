import { expect, test } from "bun:test";
import { defaultLimits, fault, type Log, nullLog } from "../../src/base/index.ts";
import { Lists } from "../../src/backend/lists.ts";
import type { Offered } from "../../src/backend/index.ts";
import type { Upstream } from "../../src/era/index.ts";
import type { Kind } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { earlier } from "../fixtures/lives.ts";

function stage(remembered: Offered | null = null) {
  const clock = createTestClock();
  const warnings: string[] = [];
  const asked: Kind[] = [];
  const failing = new Set<Kind>();
  const items: Partial<Record<Kind, string[]>> = {};
  let changes = 0;
  const log: Log = { ...nullLog, warn: (message) => void warnings.push(message) };
  const lists = new Lists({ name: "s", clock, limits: defaultLimits, log, changed: () => void (changes += 1), remembered });
  const upstream: Upstream = {
    facts: { info: "{}", capabilities: new Map(), instructions: null, revision: "r", announces: true, subscribes: false },
    subscribe: () => Promise.resolve(false),
    unsubscribe: () => Promise.resolve(),
    call: () => Promise.reject(fault("BACKEND_GONE")),
    list: async (kind) => {
      asked.push(kind);
      if (failing.has(kind)) throw fault("BACKEND_TIMEOUT");
      return { items: items[kind] ?? [`"${kind}"`], cache: { ttlMs: 0, scope: "private" } };
    },
    alive: async () => true,
    close: async () => undefined,
  };
  const open = async (): Promise<void> => {
    (await lists.fetchAll(upstream))();
    lists.follow(upstream);
  };
  return { clock, warnings, asked, failing, items, lists, upstream, open, changes: () => changes };
}

test("nothing is offered before a server's lists were taken, and they stay when it leaves", async () => {
  const { lists, upstream, open } = stage();
  await lists.fetchAll(upstream);
  expect(lists.offered).toBeNull();
  await open();
  lists.leave();
  expect(lists.offered?.lists.tools.items).toEqual(['"tools"']);
});

test("a list that fails is told of once, asked for in growing waits, and no more after the server has left", async () => {
  const { lists, clock, warnings, asked, failing, open, changes } = stage();
  failing.add("tools");
  await open();
  await clock.advance(60_000);
  const often = asked.filter((kind) => kind === "tools").length;
  expect(often).toBeGreaterThan(5);
  expect(often).toBeLessThan(15);
  expect(asked.filter((kind) => kind === "prompts")).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  expect(changes()).toBe(0);
  lists.leave();
  await clock.advance(60_000);
  expect(asked.filter((kind) => kind === "tools")).toHaveLength(often);
  expect(clock.pending).toBe(0);
});

test("who leaves in the quiet time after an announcement leaves no timer, and the next life collects its own", async () => {
  const { lists, clock, asked, open, changes } = stage();
  await open();
  lists.becameStale("tools");
  await clock.settle();
  expect(clock.pending).toBe(1);
  lists.leave();
  expect(clock.pending).toBe(0);
  await open();
  lists.becameStale("prompts");
  lists.becameStale("prompts");
  await clock.advance(defaultLimits.noticeQuietMs);
  expect(asked.slice(8)).toEqual(["prompts"]);
  expect(changes()).toBe(1);
  expect(clock.pending).toBe(0);
});

test("an announcement while a list is missing asks at once", async () => {
  const { lists, clock, asked, failing, open, changes } = stage();
  failing.add("tools");
  await open();
  await clock.advance(60_000);
  failing.clear();
  const before = asked.length;
  lists.becameStale("tools");
  await clock.advance(defaultLimits.noticeQuietMs);
  expect(asked.slice(before)).toEqual(["tools"]);
  expect(changes()).toBe(1);
  await clock.advance(60_000);
  expect(lists.offered?.lists.tools.items).toEqual(['"tools"']);
});

test("what is remembered is offered until the server speaks for itself, and says nothing of who it is", async () => {
  const { lists, open } = stage(earlier('"old"'));
  expect([lists.source, lists.offered?.lists.tools.items, lists.facts]).toEqual(["remembered", ['"old"'], null]);
  await open();
  expect([lists.source, lists.offered?.lists.tools.items, lists.facts?.revision]).toEqual(["live", ['"tools"'], "r"]);
});

test("a list that cannot be fetched stays as it is remembered", async () => {
  const { lists, failing, open } = stage(earlier('"old"'));
  failing.add("tools");
  await open();
  expect(lists.offered?.lists).toMatchObject({ tools: { items: ['"old"'] }, prompts: { items: ['"prompts"'] } });
  lists.leave();
});

test("hidden it offers nothing until the server is back", async () => {
  const { lists, open } = stage(earlier('"old"'));
  lists.hide();
  expect([lists.offered, lists.source]).toEqual([null, null]);
  await open();
  lists.hide();
  expect([lists.offered, lists.source]).toEqual([null, null]);
  await open();
  expect(lists.source).toBe("live");
});

test("a list has moved when it was announced and really is another than at the start, until the next start", async () => {
  const { lists, clock, open, items, changes } = stage();
  await open();
  lists.becameStale("tools");
  await clock.advance(1000);
  expect([lists.moved, changes()]).toEqual([null, 1]);
  items.tools = ['"tools"', '"new"'];
  lists.becameStale("tools");
  lists.becameStale("prompts");
  await clock.advance(1000);
  expect(lists.moved).toEqual({ tools: { items: ['"tools"', '"new"'], cache: { ttlMs: 0, scope: "private" } } });
  delete items.tools;
  lists.becameStale("tools");
  await clock.advance(1000);
  expect(lists.moved?.tools?.items).toEqual(['"tools"']);
  await open();
  expect(lists.moved).toBeNull();
});

test("a list that could not be fetched at the start has not moved when it comes", async () => {
  const { lists, clock, failing, open } = stage();
  failing.add("tools");
  await open();
  failing.clear();
  await clock.advance(60_000);
  expect([lists.offered?.lists.tools.items, lists.moved]).toEqual([['"tools"'], null]);
});
