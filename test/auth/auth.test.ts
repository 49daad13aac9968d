import { describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { Fault } from "../../src/base/index.ts";
import { openStore } from "../../src/auth/store.ts";
import { ask, granted, mcp, openAuth, opens } from "../fixtures/auth.ts";

describe("without authentication", () => {
  test("everybody is the operator, there is no authorization server, and nothing is written", async () => {
    await using stage = await openAuth({ mode: "none" });
    const { auth } = stage;
    expect(await auth.verify({ authorization: null, resource: mcp })).toEqual({ ok: true, principal: { id: "operator", scopes: null } });
    expect([auth.mode, auth.paths, auth.tokenPath, auth.stepUp(["a"], mcp), auth.isOperator(null), auth.operator.waiting(), auth.operator.grants(), auth.operator.revoke("all"), auth.personIn(null), auth.takesPeople, auth.operator.pinnedClients()]).toEqual(["none", [], null, "", true, [], [], 0, null, false, []]);
    expect(() => auth.operator.openLink()).toThrow(Fault);
    await expect(ask(auth, "GET", "/authorize")).rejects.toThrow(Fault);
    auth.onEnded(() => undefined);
    await expect(stat(stage.stateDir)).rejects.toThrow("ENOENT");
  });
});

describe("the operator's own token", () => {
  test("is the grant named operator, and opens everything", async () => {
    await using stage = await openAuth();
    expect(stage.auth.tokenPath).toBe(`${stage.stateDir}/token`);
    const own = (await Bun.file(`${stage.stateDir}/token`).text()).trim();
    expect(await stage.auth.verify({ authorization: `Bearer ${own}`, resource: mcp })).toEqual({ ok: true, principal: { id: "operator", scopes: null } });
  });

  test("is for its owner alone: no path of ours gives it to a local process", async () => {
    await using stage = await openAuth();
    const own = (await Bun.file(`${stage.stateDir}/token`).text()).trim();
    for (const path of stage.auth.paths) for (const method of ["GET", "POST"]) expect(JSON.stringify(await ask(stage.auth, method, path.replace("*", "mcp")))).not.toContain(own);
  });
});

test("a call beyond its grant is told all that it needs", async () => {
  await using stage = await openAuth();
  expect(stage.auth.stepUp(["server:a", "server:b"], mcp)).toBe('Bearer error="insufficient_scope", scope="server:a server:b", resource_metadata="http://127.0.0.1:3050/.well-known/oauth-protected-resource/mcp"');
});

test("what is forgotten in time is no longer on the disk", async () => {
  await using stage = await openAuth({ limits: { grantSweepMs: 86_400_000 } });
  await granted(stage);
  stage.auth.operator.openLink();
  await stage.clock.advance(200 * 86_400_000);
  const store = await openStore(stage.stateDir);
  for (const table of ["grants", "access", "refresh", "clients", "requests", "codes", "browsers", "links", "assertions"]) expect([table, store.all(`select * from ${table}`).length]).toEqual([table, 0]);
  store.close();
});

test("closing twice is fine, and nothing of it goes on", async () => {
  const stage = await openAuth();
  const { access } = await granted(stage);
  await stage.auth.close();
  await stage.auth.close();
  expect(stage.clock.pending).toBe(0);
  expect(await opens(stage.auth, access)).toBe(false);
  await stage[Symbol.asyncDispose]();
});
