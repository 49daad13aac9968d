/** What is left in the era room of a principal whose grant has ended, and what a refusal for lack of scope is there. */
import { describe, expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { rpcErrorOf } from "../../src/protocol/index.ts";
import { alice, bob, createWorld } from "../fixtures/era.ts";

const scopeError = () => rpcErrorOf(fault("SCOPE_MISSING", { data: { requiredScopes: ["server:x"] } }));

describe("the end of a grant", () => {
  test("ends its sessions with what runs in them, and nobody else's", async () => {
    const world = createWorld();
    const own = await world.session();
    const others = await world.session("2025-11-25", { principal: bob });
    const cancelled: string[] = [];
    world.serve.answer = (call) => new Promise(() => void call.cancel.onCancel((reason) => cancelled.push(reason)));
    world.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "t" } }, { headers: own });
    await world.clock.settle();
    world.eras.end([alice.id, "nobody"]);
    expect([world.eras.status().sessions, cancelled]).toEqual([1, ["its grant has ended"]]);
    expect((await world.post({ jsonrpc: "2.0", id: 2, method: "ping" }, { headers: own })).status).toBe(404);
    expect((await world.post({ jsonrpc: "2.0", id: 2, method: "ping" }, { headers: others, principal: bob })).status).toBe(200);
  });

  test("gives up its calls that wait for answers, and what was kept for it", async () => {
    const world = createWorld();
    const meta = { "io.modelcontextprotocol/clientCapabilities": { elicitation: { form: {} } } };
    world.serve.answer = async (call) => {
      await call.ask({ kind: "elicitation", params: null, backend: "b", cancel: call.cancel });
      throw fault("INTERNAL");
    };
    for (const principal of [alice, bob]) {
      const asked = world.modern("tools/call", { name: "t" }, { meta, principal });
      await world.clock.advance(100);
      expect((await asked).json.result.resultType).toBe("input_required");
    }
    expect(world.eras.status().parked).toBe(2);
    world.eras.end([alice.id]);
    expect(world.eras.status().parked).toBe(1);
  });
});

describe("a call for which there is too little scope", () => {
  test("is refused with a status of its own, and says to the front which scopes it takes", async () => {
    const world = createWorld();
    world.serve.answer = () => ({ kind: "failed", error: scopeError() });
    const modern = await world.modern("tools/call", { name: "t" });
    const older = await world.post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "t" } }, { headers: await world.session() });
    for (const { status, json } of [modern, older]) expect([status, json.error.data]).toMatchObject([403, { code: "SCOPE_MISSING", requiredScopes: ["server:x"] }]);
  });

  test("where nothing at all may be seen, the handshake is", async () => {
    const world = createWorld();
    world.serve.description = () => Promise.reject(fault("SCOPE_MISSING", { data: { requiredScopes: ["server:x"] } }));
    expect((await world.modern("server/discover")).status).toBe(403);
    const opened = await world.post({ jsonrpc: "2.0", id: 0, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {} } });
    expect([opened.status, opened.json.error.data.requiredScopes]).toEqual([403, ["server:x"]]);
    expect(world.eras.status().sessions).toBe(0);
  });

  test("an error of a server that only looks like it is that server's", async () => {
    const world = createWorld();
    const { fault: _, ...error } = scopeError();
    world.serve.answer = () => ({ kind: "failed", error, backend: "b" });
    expect((await world.modern("tools/call", { name: "t" })).status).toBe(200);
  });
});
