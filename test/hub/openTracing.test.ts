import { expect, test } from "bun:test";
import { createTracer } from "../../src/base/tracer.ts";
import { openTracing } from "../../src/hub/openTracing.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { configOf } from "../fixtures/pool.ts";
import { stageOf } from "../fixtures/stage.ts";

test("without spans everything stays as it is; with them it is put around", async () => {
  const { hub, pool } = await stageOf(configOf());
  const nothing = await openTracing(null);
  expect(nothing.serve(hub)).toBe(hub);
  expect(nothing.pool(pool)).toBe(pool);
  const names: string[] = [];
  const tracer = createTracer({ ratio: 1, followsParent: true }, createTestClock(), ({ name }) => names.push(name));
  const around = await openTracing({ tracer, textOf: () => "", close: () => Promise.resolve() });
  expect(around.pool(pool)).not.toBe(pool);
  await around.serve(hub).call(callOf("tools/list"));
  expect(names).toEqual(["tools/list"]);
});
