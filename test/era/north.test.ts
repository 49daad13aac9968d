import { expect, test } from "bun:test";
import { defaultLimits, nullLog } from "../../src/base/index.ts";
import { createNorth } from "../../src/era/north.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createTestServe } from "../fixtures/serve.ts";

test("two rooms share nothing, not even their seals", () => {
  const make = (byte: number) => createNorth({ serve: createTestServe(), clock: createTestClock(), limits: defaultLimits, log: nullLog, identity: { name: 'a"b', version: "1" }, sealKey: new Uint8Array(32).fill(byte) });
  const [one, other] = [make(1), make(2)];
  expect(JSON.parse(one.identity)).toEqual({ name: 'a"b', version: "1" });
  expect(other.seal.unseal(one.seal.seal({ kind: "relay", backend: "b", state: "s", round: 1 }, "x"), "x")).toBeNull();
  one.streams.open({ gone: () => undefined, goodbye: () => undefined });
  expect([one.streams.size, other.streams.size]).toEqual([1, 0]);
  one.streams.close();
});
