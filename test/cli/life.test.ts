import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { createLife } from "../../src/cli/life.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";

function stage() {
  const [signals, stderr, clock] = [new EventEmitter(), keptOutput(), createTestClock()];
  const closing = Promise.withResolvers<void>();
  const done = { reloads: 0, closes: 0 };
  const running = {
    reload: () => Promise.resolve(void (done.reloads += 1)),
    close: () => {
      done.closes += 1;
      return closing.promise;
    },
  };
  return { life: createLife({ signals, stderr, clock } as unknown as Occasion), signals, stderr, clock, closing, done, running };
}

test("a signal closes, its copies are the same one, and a second one ends at once", async () => {
  const { life, signals, clock, done, running } = stage();
  life.began(running);
  signals.emit("SIGHUP");
  signals.emit("SIGTERM");
  expect(done).toEqual({ reloads: 1, closes: 1 });
  signals.emit("SIGINT");
  await clock.advance(250);
  signals.emit("SIGINT");
  expect(await life.ended).toBe(1);
  life.forget();
  expect(signals.eventNames()).toEqual([]);
});

test("what had to end before it had begun is closed when it is there", async () => {
  const { life, signals, closing, done, running } = stage();
  signals.emit("SIGHUP");
  signals.emit("SIGTERM");
  expect(done.closes).toBe(0);
  life.began(running);
  closing.resolve();
  expect([await life.ended, done.closes]).toEqual([0, 1]);
});

test("the end of its client closes as a signal does, and a signal then ends it at once", async () => {
  for (const hurried of [false, true]) {
    const { life, signals, closing, done, running } = stage();
    life.began(running);
    life.finish();
    life.finish();
    if (hurried) signals.emit("SIGTERM");
    else closing.resolve();
    expect([await life.ended, done.closes]).toEqual([hurried ? 1 : 0, 1]);
  }
});

test("a bug that nobody caught closes and is the failure; a promise that nobody looked at is told of", async () => {
  const { life, signals, stderr, closing, running } = stage();
  life.began(running);
  signals.emit("unhandledRejection", new Error("forgotten"));
  expect(stderr.text()).toContain("forgotten");
  signals.emit("uncaughtException", new Error("a bug"));
  closing.resolve();
  await expect(life.ended).rejects.toThrow("a bug");
});

test("what fails in closing is the failure", async () => {
  const { life, closing, running } = stage();
  life.began(running);
  life.finish();
  closing.reject(new Error("stuck"));
  await expect(life.ended).rejects.toThrow("stuck");
});

test("USR2 hands over where that can be, and is answered with a word where it cannot", () => {
  const { life, signals, stderr, running } = stage();
  let times = 0;
  life.began({ ...running, succeed: () => Promise.resolve(void (times += 1)) });
  signals.emit("SIGUSR2");
  expect([times, stderr.text()]).toEqual([1, ""]);
  signals.emit("SIGTERM");
  signals.emit("SIGUSR2");
  expect(times).toBe(1);
  const other = stage();
  other.signals.emit("SIGUSR2");
  other.life.began(other.running);
  other.signals.emit("SIGUSR2");
  expect(other.stderr.text().match(/with --graceful-restart only/g)).toHaveLength(2);
  for (const { forget } of [life, other.life]) forget();
});
