import { expect, test } from "bun:test";
import { Hearing } from "../../src/era/hearing.ts";
import { benchOf } from "../fixtures/wire.ts";

const { hearMsMax, hearAgainMsMax } = benchOf("http", () => "silent").south.limits;
const stage = (mute = false) => ({ ...benchOf("http", () => "silent", { mute }), hearing: new Hearing() });

test("who is told in time waits no longer, and leaves no timer behind", async () => {
  const { clock, south, hearing } = stage();
  const waited = hearing.wait(south);
  expect(hearing.settle()).toBe(false);
  await waited;
  expect([clock.pending, hearing.mute]).toEqual([0, false]);
});

test("nobody waits for ever, what comes later comes too late, and the server is known to be slow to say", async () => {
  const { clock, south, hearing } = stage();
  const waited = hearing.wait(south);
  await clock.advance(hearMsMax);
  await waited;
  expect([hearing.mute, hearing.settle(), hearing.mute]).toEqual([true, true, true]);
});

test("a server that kept silent before is not waited for as long again", async () => {
  const { clock, south, hearing } = stage(true);
  const waited = hearing.wait(south);
  await clock.advance(hearAgainMsMax);
  await waited;
  expect(hearing.settle()).toBe(true);
});
