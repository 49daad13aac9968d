import { expect, test } from "bun:test";
import { Fault } from "../../src/base/index.ts";
import { ask, authorizeUrl, openAuth, pageOf, registered } from "../fixtures/auth.ts";

test("what was not offered cannot be granted, and what was decided cannot be decided again", async () => {
  await using stage = await openAuth();
  const { request } = pageOf(await ask(stage.auth, "GET", authorizeUrl(await registered(stage.auth), { scope: "server:alpha" })), "waiting");
  const codeOf = (work: () => void): unknown => {
    try {
      work();
      return null;
    } catch (error) {
      return error instanceof Fault ? error.code : error;
    }
  };
  const decide = (scopes: readonly string[]) => codeOf(() => stage.auth.operator.decide(request.id, { approve: true, scopes }));
  expect([decide(["tag:web"]), decide(["admin:write"]), decide(["server:alpha", "server:alpha"]), decide([])]).toEqual(["PARAMS_INVALID", "PARAMS_INVALID", null, "NAME_UNKNOWN"]);
  expect(codeOf(() => stage.auth.operator.decide("r_none", { approve: false }))).toBe("NAME_UNKNOWN");
  expect(stage.auth.operator.waiting()).toEqual([]);
});

test("what is offered follows what there is when it is looked at", async () => {
  let scopes = ["tag:a"];
  await using stage = await openAuth({ scopesOf: () => scopes.map((scope) => ({ scope, servers: [] })) });
  await ask(stage.auth, "GET", authorizeUrl(await registered(stage.auth)));
  const offered = () => stage.auth.operator.waiting()[0]?.scopes.map(({ scope }) => scope);
  expect(offered()).toEqual(["tag:a"]);
  scopes = ["tag:b", "tag:c"];
  expect(offered()).toEqual(["tag:b", "tag:c"]);
});

test("no two that wait have the same code", async () => {
  await using stage = await openAuth({ limits: { approvalsMax: 100 } });
  const clientId = await registered(stage.auth);
  for (let count = 0; count < 50; count++) await ask(stage.auth, "GET", authorizeUrl(clientId), { address: `192.0.2.${count}` });
  expect(new Set(stage.auth.operator.waiting().map(({ code }) => code)).size).toBe(50);
});

test("somebody who has a whole network of IPv6 takes nobody's place but his own", async () => {
  await using stage = await openAuth({ limits: { approvalsMax: 12 } });
  const clientId = await registered(stage.auth);
  pageOf(await ask(stage.auth, "GET", authorizeUrl(clientId), { address: "192.0.2.1" }), "waiting");
  for (let count = 1; count <= 30; count++) await ask(stage.auth, "GET", authorizeUrl(clientId), { address: `2001:db8:1:2::${count.toString(16)}` });
  expect(stage.auth.operator.waiting()).toHaveLength(11);
  pageOf(await ask(stage.auth, "GET", authorizeUrl(clientId), { address: "2001:db8:1:3::1" }), "waiting");
});
