import { expect, test } from "bun:test";
import { createLog } from "../../src/base/index.ts";
import { Flood } from "../../src/era/flood.ts";
import { benchOf } from "../fixtures/wire.ts";

test("lets so many lines through in a time, says how many it dropped, and begins anew", async () => {
  const { south, clock } = benchOf("stdio", () => "silent", {}, { logLinesMax: 2, logWindowMs: 1_000 });
  const lines: string[] = [];
  const flood = new Flood({ ...south, log: createLog({ level: "debug", write: (line) => lines.push(line), pretty: false, clock }) });
  const three = (): boolean[] => [flood.allows(), flood.allows(), flood.allows()];
  expect(three()).toEqual([true, true, false]);
  await clock.advance(999);
  expect(flood.allows()).toBe(false);
  expect(lines).toEqual([]);
  await clock.advance(1);
  expect(three()).toEqual([true, true, false]);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ backend: "box", dropped: 2 });
});
