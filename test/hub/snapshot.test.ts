import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { Generation } from "../../src/hub/generation.ts";
import { InventoryMemo, Snapshot } from "../../src/hub/snapshot.ts";
import { operator } from "../fixtures/calls.ts";
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

  test("names the servers that start for the first time", () => {
    const { snapshot } = snapshotOf();
    expect(snapshot.starting.map((lease) => lease.spec.name)).toEqual(["beta"]);
  });

  test("does not change when a backend does", () => {
    const { snapshot, pool } = snapshotOf();
    pool.backend("alpha").offer({ tools: [tool("other")] });
    expect(snapshot.view(operator, { server: "alpha" }).lists.tools.entries.map((entry) => entry.public)).toEqual(["a"]);
  });
});
