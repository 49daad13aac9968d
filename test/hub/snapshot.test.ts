import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Generation } from "../../src/hub/generation.ts";
import { InventoryMemo, Snapshot } from "../../src/hub/snapshot.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { configOf, createScriptedPool, specOf, tool } from "../fixtures/pool.ts";

function snapshotOf(viewsMax: number = defaultLimits.viewsMax) {
  const pool = createScriptedPool({ changed: () => undefined, updated: () => undefined });
  const config = configOf(specOf("alpha", { tags: ["web"] }), specOf("beta"));
  const generation = new Generation({ ...config, limits: { ...defaultLimits, viewsMax } }, pool);
  pool.backend("alpha").offer({ tools: [tool("a")] });
  return { pool, generation, snapshot: new Snapshot(1, generation, new InventoryMemo()) };
}

describe("a snapshot", () => {
  test("makes a view once for callers with equal scopes, in whatever order they name them", () => {
    const { snapshot } = snapshotOf();
    const all = { server: null };
    expect(snapshot.view(operator, all)).toBe(snapshot.view({ id: "other", scopes: null }, all));
    expect(snapshot.view({ id: "x", scopes: ["tag:web", "server:beta"] }, all)).toBe(snapshot.view({ id: "y", scopes: ["server:beta", "tag:web"] }, all));
    expect(snapshot.view(operator, { server: "alpha" })).not.toBe(snapshot.view(operator, all));
    expect(snapshot.view({ id: "x", scopes: [] }, all).servers).toEqual([]);
  });

  test("remembers at most limits.viewsMax views and forgets the oldest", () => {
    const { snapshot } = snapshotOf(2);
    const view = (server: string | null) => snapshot.view(operator, { server });
    const first = view(null);
    const second = view("alpha");
    view("beta");
    expect(view("alpha")).toBe(second);
    expect(view(null)).not.toBe(first);
  });

  test("does not forget what is asked for all the time for names that nobody has", () => {
    const { snapshot } = snapshotOf(2);
    const all = snapshot.view(operator, { server: null });
    for (let index = 0; index < 10; index += 1) snapshot.view(operator, { server: `made-up-${index}` });
    expect(snapshot.view(operator, { server: null })).toBe(all);
  });

  test("does not forget it for expressions either, of which anybody can think without end", () => {
    const { snapshot } = snapshotOf(2);
    const all = snapshot.view(operator, { server: null });
    const known = snapshot.known({ server: null });
    for (let index = 0; index < 10; index += 1) snapshot.view(operator, { server: null, filter: `tag${index}` });
    expect(snapshot.view(operator, { server: null })).toBe(all);
    expect(snapshot.known({ server: null })).toBe(known);
    const web = snapshot.view(operator, { server: null, filter: "web" });
    expect(web.servers.map(({ name }) => name)).toEqual(["alpha"]);
    expect(snapshot.view(operator, { server: null, filter: "web" })).toBe(web);
    expect(snapshot.view({ id: "x", scopes: ["server:beta"] }, { server: null, filter: "web" }).servers).toEqual([]);
    expect(snapshot.known({ server: null, filter: "!web" }).servers.map(({ name }) => name)).toEqual(["beta"]);
  });

  test("names the servers that start for the first time", () => {
    const { snapshot } = snapshotOf();
    expect(snapshot.starting.map((lease) => lease.spec.name)).toEqual(["beta"]);
  });

  test("shows callers whose own process has changed its lists what that one offers, and nobody else", () => {
    const { pool, generation } = snapshotOf(1);
    const alpha = pool.backend("alpha");
    alpha.offer({ tools: [tool("own")] });
    const offered = generation.leases.get("alpha")?.offered();
    alpha.offer({ tools: [tool("a")] });
    if (offered === null || offered === undefined) throw new Error("nothing is offered");
    alpha.variants = [{ offered, concerns: ({ principal }) => principal.id === "one" }];
    const snapshot = new Snapshot(2, generation, new InventoryMemo());
    const viewOf = (id: string, server: string | null = "alpha") => snapshot.view({ id, scopes: null }, { server }, callOf("tools/list", "{}", { principal: { id, scopes: null } }));
    const toolsOf = (id: string): string[] => viewOf(id).lists.tools.entries.map((entry) => entry.public);
    expect([toolsOf("one"), toolsOf("two"), toolsOf("one")]).toEqual([["own"], ["a"], ["own"]]);
    expect(viewOf("one")).toBe(viewOf("one"));
    expect(viewOf("one", null).servers.find(({ name }) => name === "beta")).toBe(viewOf("two", null).servers[1]);
    expect(viewOf("one", null).lists.tools.entries.map((entry) => entry.public)).toEqual(["alpha__own"]);
    expect(viewOf("one", "beta").servers.map(({ name }) => name)).toEqual(["beta"]);
    expect(snapshot.view({ id: "one", scopes: null }, { server: "alpha" }).lists.tools.entries.map((entry) => entry.public)).toEqual(["a"]);
    expect(viewOf("two")).toBe(snapshot.view(operator, { server: "alpha" }));
  });

  test("does not change when a backend does", () => {
    const { snapshot, pool } = snapshotOf();
    pool.backend("alpha").offer({ tools: [tool("other")] });
    expect(snapshot.view(operator, { server: "alpha" }).lists.tools.entries.map((entry) => entry.public)).toEqual(["a"]);
  });
});
