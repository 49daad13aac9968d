import { describe, expect, test } from "bun:test";
import { Subscriptions, missedParams } from "../../src/backend/subscriptions.ts";
import { defaultLimits, fault, type Limits, nullLog } from "../../src/base/index.ts";
import type { Upstream } from "../../src/era/index.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

/** One life of a server that does what the test says, and keeps what it was asked. */
function life(answer: (uri: string) => boolean | Promise<boolean> = () => true) {
  const said: string[] = [];
  const upstream = {
    subscribe: async (uri: string, abilities: string) => {
      said.push(abilities === "{}" ? `+${uri}` : `+${uri} ${abilities}`);
      return answer(uri);
    },
    unsubscribe: async (uri: string, abilities: string) => void said.push(abilities === "{}" ? `-${uri}` : `-${uri} ${abilities}`),
  } as unknown as Upstream;
  return { upstream, said };
}

function open(limits: Partial<Limits> = {}) {
  const missed: string[] = [];
  const state = { able: false };
  const clock = createTestClock();
  const subscriptions = new Subscriptions({ name: "b", clock, limits: { ...defaultLimits, ...limits }, log: nullLog, canSubscribe: () => state.able, missed: (uri, abilities) => missed.push(abilities === "{}" ? uri : `${uri} ${abilities}`) });
  return { subscriptions, missed, state, clock };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe("a resource", () => {
  // Checklist: B25
  test("is asked for once, however many want it, and given back by the last", async () => {
    const { subscriptions } = open();
    const { upstream, said } = life();
    subscriptions.follow(upstream);
    expect(await Promise.all([subscriptions.subscribe("a", "{}"), subscriptions.subscribe("a", "{}"), subscriptions.subscribe("b", "{}")])).toEqual([true, true, true]);
    await subscriptions.unsubscribe("a", "{}");
    expect(said).toEqual(["+a", "+b"]);
    await subscriptions.unsubscribe("a", "{}");
    await subscriptions.unsubscribe("a", "{}");
    await subscriptions.unsubscribe("never", "{}");
    expect([said, subscriptions.size]).toEqual([["+a", "+b", "-a"], 1]);
  });

  test("is asked for and given back one after the other, so that nothing overtakes", async () => {
    const { subscriptions } = open();
    const slow = Promise.withResolvers<boolean>();
    const { upstream, said } = life(() => slow.promise);
    subscriptions.follow(upstream);
    const first = subscriptions.subscribe("a", "{}");
    await settle();
    const back = subscriptions.unsubscribe("a", "{}");
    const again = subscriptions.subscribe("a", "{}");
    slow.resolve(true);
    expect([await first, await again]).toEqual([true, true]);
    await back;
    expect([said, subscriptions.size]).toEqual([["+a"], 1]);
    await subscriptions.unsubscribe("a", "{}");
    expect([said, subscriptions.size]).toEqual([["+a", "-a"], 0]);
  });

  test("is asked for once for all who can do the same, one after the other, and counted for each", async () => {
    const { subscriptions, missed } = open({ subscriptionsPerServerMax: 2 });
    const slow = Promise.withResolvers<boolean>();
    const first = life(() => slow.promise);
    subscriptions.follow(first.upstream);
    const both = Promise.all([subscriptions.subscribe("a", "{}"), subscriptions.subscribe("a", "R"), subscriptions.subscribe("a", "R")]);
    await settle();
    expect(first.said).toEqual(["+a"]);
    slow.resolve(true);
    await both;
    expect(await subscriptions.subscribe("a", "S").catch((thrown: { code: string }) => thrown.code)).toBe("LIMIT_REACHED");
    await subscriptions.unsubscribe("a", "R");
    expect([first.said, subscriptions.size]).toEqual([["+a", "+a R"], 2]);
    const next = life();
    subscriptions.leave();
    subscriptions.follow(next.upstream);
    await settle();
    expect([next.said, missed]).toEqual([["+a", "+a R"], ["a", "a R"]]);
    await subscriptions.unsubscribe("a", "R");
    await subscriptions.unsubscribe("a", "R");
    await subscriptions.unsubscribe("a", "{}");
    expect([next.said, subscriptions.size]).toEqual([["+a", "+a R", "-a R", "-a"], 0]);
  });

  test("that is refused, or fails, is wished for by nobody", async () => {
    const { subscriptions } = open();
    const { upstream, said } = life((uri) => (uri === "bad" ? false : Promise.reject(fault("BACKEND_TIMEOUT"))));
    subscriptions.follow(upstream);
    expect(await subscriptions.subscribe("bad", "{}")).toBe(false);
    expect(await subscriptions.subscribe("a", "{}").catch((thrown: { code: string }) => thrown.code)).toBe("BACKEND_TIMEOUT");
    await settle();
    expect([said, subscriptions.size]).toEqual([["+bad", "+a"], 0]);
  });

  test("cannot be added beyond limits.subscriptionsPerServerMax, but shared", async () => {
    const { subscriptions } = open({ subscriptionsPerServerMax: 1 });
    subscriptions.follow(life().upstream);
    await subscriptions.subscribe("a", "{}");
    expect(await subscriptions.subscribe("b", "{}").catch((thrown: { code: string }) => thrown.code)).toBe("LIMIT_REACHED");
    expect(await subscriptions.subscribe("a", "{}")).toBe(true);
  });
});

describe("a server that comes back", () => {
  // Checklist: B27
  test("is told of everything that is still wanted, and then each may have changed", async () => {
    const { subscriptions, missed } = open();
    const first = life();
    subscriptions.follow(first.upstream);
    for (const uri of ["a", "b", "c"]) await subscriptions.subscribe(uri, "{}");
    subscriptions.leave();
    await subscriptions.unsubscribe("b", "{}");
    const next = life();
    subscriptions.follow(next.upstream);
    await settle();
    expect([first.said, next.said, missed]).toEqual([["+a", "+b", "+c"], ["+a", "+c"], ["a", "c"]]);
  });

  test("fulfils what was wished for while it was away, where it is known to be able to", async () => {
    const { subscriptions, missed, state } = open();
    expect(await subscriptions.subscribe("a", "{}")).toBe(false);
    state.able = true;
    expect(await subscriptions.subscribe("b", "{}")).toBe(true);
    const { upstream, said } = life();
    subscriptions.follow(upstream);
    await settle();
    expect([said, missed]).toEqual([["+b"], ["b"]]);
  });

  test("and refuses, or fails again, leaves the wish to the next time", async () => {
    const { subscriptions, missed } = open();
    subscriptions.follow(life().upstream);
    await subscriptions.subscribe("a", "{}");
    for (const answer of [() => false, () => Promise.reject(fault("BACKEND_GONE"))]) {
      subscriptions.leave();
      subscriptions.follow(life(answer).upstream);
      await settle();
    }
    expect(missed).toEqual([]);
    subscriptions.leave();
    subscriptions.follow(life().upstream);
    await settle();
    expect(missed).toEqual(["a"]);
  });

  test("and is not up to it at first is asked again in growing waits, and then it may have changed for all who wished", async () => {
    const { subscriptions, missed, clock } = open();
    subscriptions.follow(life().upstream);
    for (const uri of ["a", "b"]) await subscriptions.subscribe(uri, "{}");
    subscriptions.leave();
    let isUp = false;
    const { upstream, said } = life((uri) => (uri === "b" ? Promise.reject(fault("BACKEND_TIMEOUT")) : isUp));
    subscriptions.follow(upstream);
    await clock.advance(defaultLimits.backoffMsMin);
    expect([said, missed]).toEqual([["+a", "+b", "+a", "+b"], []]);
    isUp = true;
    expect(await subscriptions.subscribe("a", "{}")).toBe(true);
    expect(missed).toEqual(["a"]);
    await clock.advance(60 * 60_000);
    expect(said.filter((one) => one === "+a")).toHaveLength(3);
    expect(said.filter((one) => one === "+b")).toHaveLength(1 + defaultLimits.subscribeTriesMax);
    expect([missed, clock.pending]).toEqual([["a"], 0]);
  });

  test("is not asked again once it has left", async () => {
    const { subscriptions, clock } = open();
    subscriptions.follow(life().upstream);
    await subscriptions.subscribe("a", "{}");
    subscriptions.leave();
    const { upstream, said } = life(() => false);
    subscriptions.follow(upstream);
    await settle();
    expect(clock.pending).toBe(1);
    subscriptions.leave();
    expect(clock.pending).toBe(0);
    await clock.advance(60 * 60_000);
    expect(said).toEqual(["+a"]);
  });

  test("and has fallen again before it was asked, is not asked", async () => {
    const { subscriptions } = open();
    subscriptions.follow(life().upstream);
    await subscriptions.subscribe("a", "{}");
    const short = life();
    subscriptions.leave();
    subscriptions.follow(short.upstream);
    subscriptions.leave();
    await settle();
    expect(short.said).toEqual([]);
  });

  test("cannot be given back what it never heard of, and its failure to take back is no trouble", async () => {
    const { subscriptions } = open();
    const { upstream, said } = life();
    subscriptions.follow({ ...upstream, subscribe: upstream.subscribe, unsubscribe: () => Promise.reject(fault("BACKEND_GONE")) } as Upstream);
    await subscriptions.subscribe("a", "{}");
    await subscriptions.unsubscribe("a", "{}");
    expect([said, subscriptions.size]).toEqual([["+a"], 0]);
  });
});

test("what nobody told of names the resource alone", () => {
  expect(rawOf(missedParams('x"y', defaultLimits))).toBe('{"uri":"x\\"y"}');
});
