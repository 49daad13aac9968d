import { expect, test } from "bun:test";
import { loginActions } from "../../src/front/operatorLogins.ts";
import { createGuarded } from "../fixtures/guarded.ts";
import { deskOf, loginSpec } from "../fixtures/logins.ts";
import { operated } from "../fixtures/operated.ts";
import { join } from "node:path";

async function place() {
  const guarded = createGuarded();
  const desk = await deskOf([loginSpec(guarded.url)]);
  const server = await operated({}, undefined, { actions: loginActions(desk.logins) });
  const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
    const reply = await fetch(`http://operator${path}`, { unix: join(server.stateDir, "operator.sock"), method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await desk[Symbol.asyncDispose]();
    await guarded[Symbol.asyncDispose]();
  };
  return { guarded, ask, [Symbol.asyncDispose]: close };
}

test("the operator begins a login, ends it by hand, sees it and forgets it", async () => {
  await using here = await place();
  const begun = await here.ask("POST", "/logins/remote/start", { by: "paste" });
  expect([begun.status, String(begun.body["url"]).startsWith(here.guarded.origin)]).toEqual([200, true]);
  expect(await here.ask("POST", "/logins/remote/finish", { callbackUrl: await here.guarded.visit(String(begun.body["url"])) })).toEqual({ status: 200, body: { finished: "remote" } });
  expect((await here.ask("GET", "/logins")).body).toMatchObject({ logins: [{ server: "remote", state: "logged-in" }] });
  expect((await here.ask("POST", "/logins/remote/logout", { all: false })).body).toEqual({ forgotten: 1 });
});

test("what cannot be done is said, with a status of its own", async () => {
  await using here = await place();
  const statuses = await Promise.all([
    here.ask("POST", "/logins/nobody/start", { by: "browser" }),
    here.ask("POST", "/logins/remote/start", { by: "force" }),
    here.ask("POST", "/logins/remote/finish", { callbackUrl: "http://x/?state=y" }),
    here.ask("POST", "/logins/remote/logout", {}),
  ]);
  expect(statuses.map(({ status, body }) => [status, body["code"]])).toEqual([[404, "NAME_UNKNOWN"], [400, "PARAMS_INVALID"], [400, "LOGIN_FAILED"], [400, "PARAMS_INVALID"]]);
});
