import { describe, expect, test } from "bun:test";
import { defaultLimits, nullLog } from "../../src/base/index.ts";
import { parseFilter } from "../../src/config/index.ts";
import { createHub } from "../../src/hub/index.ts";
import { operator } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { configOf, createScriptedPool, type ScriptedPool, specOf, tool } from "../fixtures/pool.ts";

async function stage() {
  const clock = createTestClock();
  let pool: ScriptedPool | undefined;
  const hub = createHub({ createPool: (events) => (pool = createScriptedPool(events)), clock, log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty: configOf() });
  await hub.propose(configOf(specOf("alpha"), specOf("beta")));
  if (pool === undefined) throw new Error("no pool was made");
  pool.backend("alpha").offer({ tools: [tool("a")] });
  pool.backend("beta").offer({ tools: [tool("b")] });
  await clock.advance(defaultLimits.noticeQuietMs);
  const watch = (server: string | null, scopes: readonly string[] | null = null, id = operator.id, filter?: string) => {
    const seen: string[] = [];
    const { end } = hub.watch({ principal: { id, scopes }, selection: filter === undefined ? { server } : { server, filter }, client: { info: null, capabilities: "{}" }, session: null, changed: (kind) => seen.push(kind), updated: () => undefined });
    return { seen, end };
  };
  return { hub, clock, pool, watch };
}

describe("a watch", () => {
  test("hears of a changed list once, however many changes came in the quiet time", async () => {
    const { clock, pool, watch } = await stage();
    const { seen } = watch(null);
    for (const name of ["b", "c", "d"]) pool.backend("alpha").offer({ tools: [tool(name)] });
    await clock.advance(defaultLimits.noticeQuietMs);
    expect(seen).toEqual(["tools"]);
  });

  test("hears nothing of what it cannot see, nor of a change that leaves its lists as they were", async () => {
    const { clock, pool, watch } = await stage();
    const other = watch("beta");
    const unable = watch(null, ["server:beta"]);
    const same = watch("alpha");
    pool.backend("alpha").offer({ tools: [tool("new")], prompts: [] });
    await clock.advance(defaultLimits.noticeQuietMs);
    expect([other.seen, unable.seen, same.seen]).toEqual([[], [], ["tools"]]);
    pool.backend("alpha").offer({ tools: [tool("new")] });
    await clock.advance(defaultLimits.noticeQuietMs);
    expect(same.seen).toEqual(["tools"]);
  });

  test("hears of a preset that selects other servers now, where what it sees is other than before, and of nothing else", async () => {
    const { hub, clock, watch } = await stage();
    const withPreset = (text: string) => {
      const parsed = parseFilter(text);
      if (!parsed.ok) throw new Error(text);
      return hub.propose({ ...configOf(specOf("alpha"), specOf("beta")), presets: new Map([["p", { name: "p", description: null, filter: text, query: parsed.query }]]) });
    };
    await withPreset("server:alpha");
    await clock.advance(defaultLimits.noticeQuietMs);
    const [all, preset, narrowed, granted, gone] = [watch(null), watch(null, null, "a", "preset:p"), watch(null, null, "b", "preset:p && server:alpha"), watch(null, ["server:alpha"], "c", "preset:p"), watch(null, null, "d", "preset:gone")];
    await withPreset("server:alpha || server:beta");
    await clock.advance(defaultLimits.noticeQuietMs);
    expect([all.seen, preset.seen, narrowed.seen, granted.seen, gone.seen]).toEqual([[], ["tools"], [], [], []]);
    await withPreset("server:beta || server:alpha");
    await clock.advance(defaultLimits.noticeQuietMs);
    expect(preset.seen).toEqual(["tools"]);
    // A preset that goes takes what it showed with it.
    await hub.propose(configOf(specOf("alpha"), specOf("beta")));
    await clock.advance(defaultLimits.noticeQuietMs);
    expect([all.seen, preset.seen, narrowed.seen, granted.seen, gone.seen]).toEqual([[], ["tools", "tools"], ["tools"], ["tools"], []]);
    expect(hub.presets().size).toBe(0);
  });

  test("hears of what its own process has changed, and others who saw the same before do not", async () => {
    const { hub, clock, pool, watch } = await stage();
    const [one, two] = [watch(null, null, "one"), watch(null, null, "two")];
    const alpha = pool.backend("alpha");
    const own = { tools: { items: [tool("own")], cache: { ttlMs: 0, scope: "private" as const } } };
    const none = { items: [], cache: { ttlMs: 0, scope: "private" as const } };
    const facts = { info: "{}", capabilities: new Map([["tools", "{}"]]), instructions: null, revision: "r", announces: true, subscribes: false };
    alpha.variants = [{ offered: { facts, lists: { ...own, prompts: none, resources: none, templates: none }, fetchedAt: 0 }, concerns: ({ principal }) => principal.id === "one" }];
    alpha.settle("ready");
    await clock.advance(defaultLimits.noticeQuietMs);
    expect([one.seen, two.seen]).toEqual([["tools"], []]);
    alpha.variants = [];
    alpha.settle("ready");
    await clock.advance(defaultLimits.noticeQuietMs);
    expect([one.seen, two.seen]).toEqual([["tools", "tools"], []]);
    await hub.close(0);
  });

  test("hears nothing after its end", async () => {
    const { clock, pool, watch } = await stage();
    const { seen, end } = watch(null);
    end();
    pool.backend("alpha").offer({ tools: [] });
    await clock.advance(defaultLimits.noticeQuietMs);
    expect(seen).toEqual([]);
  });

  test("is refused beyond limits.watchesMax and after the end of the hub", async () => {
    const { hub, watch } = await stage();
    for (let opened = 0; opened < defaultLimits.watchesMax; opened += 1) watch(null, null, `principal ${opened}`);
    expect(() => watch(null)).toThrow("limits.watchesMax is");
    await hub.close(0);
    expect(() => watch(null)).toThrow("shutting down");
  });

  test("is refused to a principal that has its share, until one of its own has ended", async () => {
    const { watch } = await stage();
    const open = Array.from({ length: defaultLimits.watchesPerPrincipalMax }, () => watch(null));
    expect(() => watch(null)).toThrow("limits.watchesPerPrincipalMax is");
    watch(null, null, "somebody else").end();
    open[0]?.end();
    open[0]?.end();
    watch(null);
    expect(() => watch(null)).toThrow("limits.watchesPerPrincipalMax is");
  });
});
