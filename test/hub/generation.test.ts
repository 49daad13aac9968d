import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/protocol/index.ts";
import { configOf, done, specOf, tool } from "../fixtures/pool.ts";
import { callTool, stageOf } from "../fixtures/stage.ts";

describe("a replaced configuration", () => {
  test("keeps the hold on unchanged servers and lets go of removed ones when their last call has ended", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("kept"), specOf("removed")));
    pool.backend("kept").offer({ tools: [tool("t")] });
    pool.backend("removed").offer({ tools: [tool("t")] });
    const running = Promise.withResolvers<Outcome>();
    pool.backend("removed").answer = () => running.promise;
    const call = callTool(hub, "removed__t");
    await hub.propose(configOf(specOf("kept")));
    expect([pool.backend("kept").holds, pool.backend("removed").holds]).toEqual([2, 1]);
    expect(await callTool(hub, "removed__t")).toContain('"code":-32602');
    running.resolve(done('{"content":[]}'));
    await call;
    expect([pool.backend("kept").holds, pool.backend("removed").holds]).toEqual([1, 0]);
  });

  test("gives a removed server's running call up at the drain limit", async () => {
    const { hub, pool, clock } = await stageOf(configOf(specOf("removed")));
    pool.backend("removed").offer({ tools: [tool("t")] });
    pool.backend("removed").answer = () => new Promise(() => undefined);
    void callTool(hub, "removed__t");
    await hub.propose(configOf());
    expect(pool.backend("removed").holds).toBe(1);
    await clock.advance(configOf().limits.drainMsMax);
    expect(pool.backend("removed").holds).toBe(0);
  });

  test("that cannot be put together leaves nothing behind", async () => {
    const { hub, pool } = await stageOf(configOf(specOf("kept")));
    const acquire = pool.acquire;
    pool.acquire = (spec) => {
      if (spec.name === "broken") throw new Error("no room");
      return acquire(spec);
    };
    await expect(hub.propose(configOf(specOf("kept"), specOf("broken")))).rejects.toThrow("no room");
    pool.backend("kept").offer({ tools: [tool("t")] });
    expect(await callTool(hub, "kept__t")).toContain('"text":"kept"');
    expect(pool.backend("kept").holds).toBe(1);
    await hub.propose(configOf(specOf("kept"), specOf("next")));
    expect(pool.backend("next").holds).toBe(1);
  });
});
