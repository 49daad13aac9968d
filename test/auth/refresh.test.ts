import { expect, test } from "bun:test";
import fc from "fast-check";
import { granted, openAuth, opens, refreshed } from "../fixtures/auth.ts";

test("whatever is tried with the tokens of a family, one at most is good at any time, and a dead family stays dead", async () => {
  const step = fc.record({ back: fc.nat(3), waitMs: fc.constantFrom(0, 1, 100, 5_000, 11_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      await using stage = await openAuth({ limits: { grantSweepMs: 600_000 } });
      const { clientId, refresh, access } = await granted(stage);
      const family = [refresh];
      for (const { back, waitMs } of steps) {
        await stage.clock.advance(waitMs);
        const wasAlive = stage.auth.operator.grants().length === 1;
        const out = await refreshed(stage, clientId, family.at(-1 - Math.min(back, family.length - 1)) ?? "");
        const isAlive = stage.auth.operator.grants().length === 1;
        expect([200, 400]).toContain(out.status);
        // Never back to life; a token that is good keeps it alive, one that is not has ended it.
        expect(isAlive).toBe(wasAlive && out.status === 200);
        if (out.status === 200) family.push(String(out["refresh_token"]));
        else expect(await opens(stage.auth, access)).toBe(false);
      }
    }),
    { numRuns: 40 },
  );
});

test("only so many access tokens of one grant live at once", async () => {
  await using stage = await openAuth();
  const { clientId, refresh, access } = await granted(stage);
  let next = refresh;
  for (let count = 0; count < 20; count++) next = String((await refreshed(stage, clientId, next))["refresh_token"]);
  await stage.clock.advance(6_000);
  expect(await opens(stage.auth, access)).toBe(false);
});
