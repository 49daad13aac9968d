import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { Fault, fault, systemClock } from "../../src/base/index.ts";
import { askOperator, askRunning } from "../../src/cli/operator.ts";
import { pinActions } from "../../src/front/index.ts";
import { announcePresence, claimState } from "../../src/config/index.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

const ask = (stateDir: string, msMax?: number) => askOperator({ settings: { stateDir } as never, env: {}, clock: systemClock }, "GET", "/status", msMax);

test("a server answers", async () => {
  await using server = await operated();
  expect(await ask(server.stateDir)).toMatchObject({ kind: "answer", value: { phase: "running" }, server: { url: "http://127.0.0.1:3050/mcp" } });
});

test("whoever needs an answer hears why there is none, and what to do about it", async () => {
  await using folder = await createFolder();
  const around = (stateDir: string) => ({ settings: { stateDir } as never, env: {}, clock: systemClock });
  await expect(askRunning(around(folder.at("state")), "GET", "/status")).rejects.toMatchObject({ code: "SERVER_AWAY", hint: expect.stringContaining("1mcp serve") as string });
  await expect(askRunning(around(folder.at("state")), "GET", "/status", { hint: "do this" })).rejects.toMatchObject({ hint: "do this" });
  await using server = await operated();
  expect(await askRunning(around(server.stateDir), "GET", "/status", { hint: "do this" })).toMatchObject({ phase: "running" });
  await server.close();
  await expect(askRunning(around(server.stateDir), "GET", "/status", { hint: "do this" })).rejects.toMatchObject({ message: expect.stringContaining("does not answer") as string, hint: "try again in a moment" });
});

test("no server is told apart from one that is silent: starting, gone from its socket, without one, or stuck", async () => {
  await using folder = await createFolder();
  expect(await ask(folder.at("state"))).toEqual({ kind: "none" });
  const claim = await claimState({ stateDir: folder.at("state"), clock: systemClock, takeover: false });
  expect(await ask(folder.at("state"))).toEqual({ kind: "silent", pid: process.pid, why: `process ${process.pid} is starting, or shutting down` });
  await claim.release();
  await using server = await operated();
  await server.close();
  expect(await ask(server.stateDir)).toMatchObject({ kind: "silent", why: `process ${process.pid} does not answer` });
  await announcePresence(folder.at("none"), { url: "http://127.0.0.1:1/mcp", version: "1", operator: null }, systemClock);
  expect(await ask(folder.at("none"))).toMatchObject({ kind: "silent", why: expect.stringContaining("no operator's socket") });
  const unix = join(folder.path, "s");
  const stuck = createServer().listen(unix);
  await announcePresence(folder.at("stuck"), { url: "http://127.0.0.1:1/mcp", version: "1", operator: unix }, systemClock);
  expect(await ask(folder.at("stuck"), 20)).toMatchObject({ kind: "silent", why: `process ${process.pid} has not answered for 20 ms` });
  stuck.close();
});

test("what the server refused it with is told in its own words", async () => {
  await using server = await operated();
  const refused = (path: string) => askOperator({ settings: { stateDir: server.stateDir } as never, env: {}, clock: systemClock }, "POST", path, 10_000, { approve: "perhaps" });
  await expect(refused("/auth/waiting/x")).rejects.toBeInstanceOf(Fault);
  await expect(refused("/nothing")).rejects.toMatchObject({ code: "BACKEND_GARBLED" });
});

test("an answer that is none is told as such", async () => {
  await using folder = await createFolder();
  const unix = join(folder.path, "s");
  const server = Bun.serve({ unix, fetch: () => new Response("no", { status: 500 }) });
  await announcePresence(folder.at("state"), { url: "http://127.0.0.1:1/mcp", version: "1", operator: unix }, systemClock);
  await expect(ask(folder.at("state"))).rejects.toMatchObject({ code: "BACKEND_GARBLED", message: expect.stringContaining("status 500: no") });
  await server.stop(true);
});

test("a refusal says the sentence of its code once, with its server, what exactly is wrong, and what to do", async () => {
  const told = async (thrown: Fault): Promise<unknown> => {
    await using server = await operated({}, undefined, { actions: pinActions({ review: () => { throw thrown; }, trust: () => { throw thrown; } }) });
    return await askOperator({ settings: { stateDir: server.stateDir } as never, env: {}, clock: systemClock }, "GET", "/pins/x").catch(({ message, hint, backend }: Fault) => ({ message, hint, backend }));
  };
  for (const one of [fault("NAME_UNKNOWN"), fault("NAME_UNKNOWN", { detail: "server “x (y)”", hint: "look" }), fault("PARAMS_INVALID", { backend: "off", detail: "it is disabled" }), fault("BACKEND_DOWN", { backend: "off" })])
    expect(await told(one)).toEqual({ message: one.message, hint: one.hint, backend: one.backend });
});
