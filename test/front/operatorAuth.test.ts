import { describe, expect, test } from "bun:test";
import type { AuthOperator, GrantInfo, ShownRequest } from "../../src/auth/index.ts";
import { fault, nullLog, systemClock } from "../../src/base/index.ts";
import { openOperator } from "../../src/front/operator.ts";
import { idleOperator } from "../fixtures/doorkeeper.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";

const grant: GrantInfo = { id: "g1", kind: "token", name: "ci", clientId: null, scopes: ["tag:web"], resource: null, createdAt: 1, usedAt: null, expiresAt: 2 };
const waiting: ShownRequest = { id: "w1", code: "HRCL-PCVJ", client: { id: "c", name: "C", domain: null }, redirectHost: "127.0.0.1:1", isLoopback: true, resource: "http://x/mcp", scopes: [], refresh: false, lifeMs: 1, expiresAt: 3 };

async function doorOf(more: Partial<AuthOperator>) {
  const folder = await createFolder();
  const door = await openOperator({ stateDir: folder.at("state"), auth: idleOperator(more), facts: factsOf(), clock: systemClock, log: nullLog, reload: async () => ({}) });
  const ask = async (path: string, body?: unknown): Promise<unknown[]> => {
    const answer = await fetch(`http://operator${path}`, { unix: door.path, ...(body === undefined ? {} : { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }) });
    return [answer.status, answer.status === 404 && answer.headers.get("content-type") !== "application/json" ? null : await answer.json()];
  };
  return { ask, [Symbol.asyncDispose]: async () => (await door.close(), folder[Symbol.asyncDispose]()) };
}

describe("over the operator's socket", () => {
  test("who waits is shown, and decided about", async () => {
    const decided: unknown[] = [];
    await using at = await doorOf({ waiting: () => [waiting], decide: (...decision) => void decided.push(decision) });
    expect(await at.ask("/auth/waiting")).toEqual([200, { waiting: [waiting] }]);
    expect(await at.ask("/auth/waiting/w%201", { approve: true, scopes: ["tag:web"] })).toEqual([200, { decided: "w 1" }]);
    expect(await at.ask("/auth/waiting/w1", { approve: false })).toEqual([200, { decided: "w1" }]);
    expect(decided).toEqual([
      ["w 1", { approve: true, scopes: ["tag:web"] }],
      ["w1", { approve: false }],
    ]);
  });

  test("grants are listed and ended, tokens made and replaced, a browser let in, the password set", async () => {
    const done: unknown[] = [];
    await using at = await doorOf({
      grants: () => [grant],
      revoke: (id) => (done.push(id), 2),
      createToken: (token) => (done.push(token), { grant, token: "t" }),
      rotateToken: (id) => (done.push(id), { grant, token: "t2" }),
      setPassword: async (password) => void done.push(password),
    });
    expect(await at.ask("/auth/grants")).toEqual([200, { grants: [grant] }]);
    expect(await at.ask("/auth/grants/revoke", { id: "all" })).toEqual([200, { revoked: 2 }]);
    expect(await at.ask("/auth/tokens", { name: "ci", scopes: null, lifeMs: 5 })).toEqual([200, { grant, token: "t" }]);
    expect(await at.ask("/auth/tokens/g1/rotate", "")).toEqual([200, { grant, token: "t2" }]);
    expect(await at.ask("/auth/open", "")).toEqual([200, { url: "http://127.0.0.1/open" }]);
    expect([await at.ask("/auth/password", { password: "long enough" }), await at.ask("/auth/password", { password: null })]).toEqual([
      [200, { isSet: true }],
      [200, { isSet: false }],
    ]);
    expect(done).toEqual(["all", { name: "ci", scopes: null, lifeMs: 5 }, "g1", "long enough", null]);
  });

  test("clients are looked at, pinned, listed and let go", async () => {
    const done: unknown[] = [];
    const shown = { url: "https://a.example/c", name: "A", domain: "a.example", redirectUris: [], signs: false };
    await using at = await doorOf({ lookAtClient: async (url) => (done.push(url), { ...shown, digest: "d" }), pinClient: (...it) => void done.push(it), pinnedClients: () => [{ ...shown, pinnedAt: 1 }], unpinClient: (url) => void done.push(url) });
    expect(await at.ask("/auth/clients/look", { url: "u" })).toEqual([200, { ...shown, digest: "d" }]);
    expect(await at.ask("/auth/clients/pin", { url: "u", digest: "d" })).toEqual([200, { pinned: "u" }]);
    expect(await at.ask("/auth/clients")).toEqual([200, { pinned: [{ ...shown, pinnedAt: 1 }] }]);
    expect(await at.ask("/auth/clients/unpin", { url: "u" })).toEqual([200, { unpinned: "u" }]);
    expect(done).toEqual(["u", ["u", "d"], "u"]);
  });

  test("what cannot be is told with a status, and what is not in order does nothing", async () => {
    await using at = await doorOf({ revoke: () => { throw fault("LIMIT_REACHED"); }, waiting: () => { throw new Error("inner words"); }, createToken: () => { throw fault("SHUTTING_DOWN"); } });
    expect(await at.ask("/auth/waiting/none", { approve: false })).toMatchObject([404, { code: "NAME_UNKNOWN" }]);
    expect(await at.ask("/auth/grants/revoke", { id: "g" })).toMatchObject([429, { code: "LIMIT_REACHED" }]);
    expect(await at.ask("/auth/waiting")).toEqual([500, { error: "something went wrong inside 1mcp" }]);
    expect(await at.ask("/auth/tokens", { name: "n", scopes: [], lifeMs: 1 })).toMatchObject([503, { code: "SHUTTING_DOWN" }]);
    for (const body of ["{", "", { approve: true }, { approve: "yes", scopes: [] }, { approve: false, more: 1 }, [1]]) expect(await at.ask("/auth/waiting/w1", body)).toMatchObject([400, { code: "PARAMS_INVALID" }]);
    expect((await at.ask("/auth/waiting/w1", "x".repeat(70_000)))[0]).toBe(413);
    expect([(await at.ask("/auth/waiting/%ff", { approve: false }))[0], (await at.ask("/auth/grants", ""))[0], (await at.ask("/auth/tokens/a/b/rotate", ""))[0]]).toEqual([404, 404, 404]);
  });
});
