import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createChunkQueue, createQueue, singleFlight } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

describe("a queue", () => {
  test("gives what was pushed, in order, then null for ever", async () => {
    const queue = createQueue<number>({ max: 10 });
    expect([queue.push(1), queue.push(2)]).toEqual([true, true]);
    expect(queue.size).toBe(2);
    queue.end();
    expect(queue.push(3)).toBe(false);
    expect([await queue.next(), await queue.next(), await queue.next(), await queue.next()]).toEqual([1, 2, null, null]);
  });

  test("hands an item to a reader who waits, and wakes him at the end", async () => {
    const queue = createQueue<string>({ max: 1 });
    const first = queue.next();
    queue.push("now");
    expect(await first).toBe("now");
    const last = queue.next();
    queue.end();
    queue.end();
    expect(await last).toBeNull();
  });

  test("loses no item that comes before anyone waits", async () => {
    // The order of events that hung a promise pair: a question that arrives before the first wait.
    const queue = createQueue<string>({ max: 2 });
    queue.push("early");
    expect(await queue.next()).toBe("early");
  });

  test("refuses what is over the bound, and goes on", async () => {
    const queue = createQueue<number>({ max: 2 });
    expect([1, 2, 3].map((n) => queue.push(n))).toEqual([true, true, false]);
    expect(queue.closed).toBe(false);
    expect(await queue.next()).toBe(1);
    expect(queue.push(4)).toBe(true);
    expect([await queue.next(), await queue.next()]).toEqual([2, 4]);
  });

  test("has one reader", async () => {
    const queue = createQueue<number>({ max: 2 });
    const waiting = queue.next();
    expect(() => queue.next()).toThrow("one reader");
    queue.end();
    expect(await waiting).toBeNull();
  });

  test("keeps order and bound under any mix of pushing and reading", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean(), { maxLength: 200 }), async (max, steps) => {
        const queue = createQueue<number>({ max });
        const taken: number[] = [];
        const read: (number | null)[] = [];
        for (const [n, push] of steps.entries()) {
          if (push && queue.push(n)) taken.push(n);
          if (!push && queue.size > 0) read.push(await queue.next());
          expect(queue.size).toBeLessThanOrEqual(max);
        }
        queue.end();
        for (let item = await queue.next(); item !== null; item = await queue.next()) read.push(item);
        expect(read).toEqual(taken);
      }),
    );
  });
});

describe("a chunk queue", () => {
  test("closes when its reader is too slow, and still gives what came before", async () => {
    const queue = createChunkQueue({ bytesMax: 10 });
    expect(queue.push("12345678")).toBe(true);
    expect(queue.push("123")).toBe(false);
    expect(queue.closed).toBe(true);
    expect(queue.push("1")).toBe(false);
    expect([await queue.next(), await queue.next()]).toEqual(["12345678", null]);
  });

  test("takes one chunk of any size, and any to a reader who waits", async () => {
    const queue = createChunkQueue({ bytesMax: 4 });
    expect(queue.push("a large message")).toBe(true);
    expect(await queue.next()).toBe("a large message");
    const waiting = queue.next();
    expect(queue.push("another large one")).toBe(true);
    expect(await waiting).toBe("another large one");
  });

  test("counts bytes, and counts them off again when read", async () => {
    const queue = createChunkQueue({ bytesMax: 6 });
    expect([queue.push("日"), queue.push("本")]).toEqual([true, true]);
    await queue.next();
    expect(queue.push("語")).toBe(true);
    expect(queue.push("x")).toBe(false);
  });

  test("tells the one who fills, once, that the reader is gone, and keeps nothing", async () => {
    const told: string[] = [];
    const queue = createChunkQueue({ bytesMax: 100, onCancel: () => told.push("gone") });
    queue.push("unread");
    queue.cancel();
    queue.cancel();
    expect(told).toEqual(["gone"]);
    expect(queue.push("more")).toBe(false);
    expect(await queue.next()).toBeNull();
  });

  test("ends a waiting reader when cancelled", async () => {
    const queue = createChunkQueue({ bytesMax: 100 });
    const waiting = queue.next();
    queue.cancel();
    expect(await waiting).toBeNull();
  });

  test("ends as its filler says", async () => {
    const queue = createChunkQueue({ bytesMax: 100 });
    queue.push("last");
    queue.end();
    expect([await queue.next(), await queue.next()]).toEqual(["last", null]);
  });
});

describe("a single flight", () => {
  function flights(): { readonly run: () => Promise<number>; readonly ends: ((error?: Error) => void)[] } {
    const ends: ((error?: Error) => void)[] = [];
    const run = singleFlight(() => {
      const number = ends.length + 1;
      return new Promise<number>((resolve, reject) => void ends.push((error) => (error === undefined ? resolve(number) : reject(error))));
    });
    return { run, ends };
  }

  test("a burst comes to two runs: the running one and one more, begun after the last asked", async () => {
    const { run, ends } = flights();
    const first = run();
    const burst = Array.from({ length: 98 }, run);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    expect(await first).toBe(1);
    await createTestClock().settle();
    expect(ends).toHaveLength(2);
    ends[1]?.();
    expect(new Set(await Promise.all(burst))).toEqual(new Set([2]));
    expect(ends).toHaveLength(2);
  });

  test("starts anew when nothing is running", async () => {
    const { run, ends } = flights();
    const first = run();
    ends[0]?.();
    await first;
    const second = run();
    ends[1]?.();
    expect(await second).toBe(2);
  });

  test("a failure reaches those who shared the run, and the next run goes on", async () => {
    const { run, ends } = flights();
    const first = run();
    const second = run();
    ends[0]?.(new Error("boom"));
    expect(await first.catch((error: Error) => error.message)).toBe("boom");
    await createTestClock().settle();
    ends[1]?.();
    expect(await second).toBe(2);
  });

  test("turns a throw before the first await into a failure too", async () => {
    const run = singleFlight((): Promise<number> => {
      throw new Error("at once");
    });
    expect(await run().catch((error: Error) => error.message)).toBe("at once");
    expect(await run().catch((error: Error) => error.message)).toBe("at once");
  });

  test("never has two running, whoever asks whenever", async () => {
    const state = { running: 0, runs: 0 };
    const run = singleFlight(async () => {
      state.running += 1;
      state.runs += 1;
      expect(state.running).toBe(1);
      await Promise.resolve();
      state.running -= 1;
    });
    const all: Promise<void>[] = [];
    for (let round = 0; round < 50; round += 1) {
      all.push(run());
      for (let turn = 0; turn < round % 7; turn += 1) await Promise.resolve();
    }
    await Promise.all(all);
    expect(state.running).toBe(0);
    expect(state.runs).toBeWithin(2, 51);
  });
});
