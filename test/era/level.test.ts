import { expect, test } from "bun:test";
import { SessionLevel } from "../../src/era/level.ts";
import type { LogLevel } from "../../src/protocol/index.ts";

const make = () => {
  const world = { wanted: null as LogLevel | null, offered: true, set: [] as LogLevel[] };
  const level = new SessionLevel({ isOffered: () => world.offered, wanted: () => world.wanted, set: async (one) => void world.set.push(one) });
  return { world, level };
};

test("is set to what is wanted, once", async () => {
  const { world, level } = make();
  await level.adjust();
  world.wanted = "info";
  expect([level.isOff(null), level.isOff("info")]).toEqual([false, true]);
  await level.adjust();
  expect(level.isOff("info")).toBe(false);
  await level.adjust();
  expect(world.set).toEqual(["info"]);
});

test("holds for a second caller not before it holds for the first", async () => {
  const told = Promise.withResolvers<void>();
  const level = new SessionLevel({ isOffered: () => true, wanted: () => "debug", set: () => told.promise });
  let done = 0;
  const waiting = [level.adjust(), level.adjust()].map((one) => one.then(() => (done += 1)));
  expect(level.isOff("debug")).toBe(true);
  await Promise.resolve();
  expect(done).toBe(0);
  told.resolve();
  await Promise.all(waiting);
  expect(level.isOff("debug")).toBe(false);
});

test("of a new session is what is wanted now, or what it was; a session that had none gets none", async () => {
  const { world, level } = make();
  await level.renew();
  world.wanted = "debug";
  await level.adjust();
  world.wanted = null;
  await level.renew();
  world.wanted = "error";
  await level.renew();
  world.offered = false;
  await level.renew();
  expect(world.set).toEqual(["debug", "debug", "error"]);
  expect(level.isOff("debug")).toBe(false);
});
