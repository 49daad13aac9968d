/** What the hub does with definitions that are not what was trusted. */
import { describe, expect, test } from "bun:test";
import { type AuditEntry, defaultLimits, Fault, nullAudit, nullLog } from "../../src/base/index.ts";
import type { Pins } from "../../src/catalog/index.ts";
import { createHub, Trust } from "../../src/hub/index.ts";
import type { Offered } from "../../src/backend/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { configOf, createScriptedPool, type ScriptedPool, specOf } from "../fixtures/pool.ts";
import { listTools, textOf } from "../fixtures/stage.ts";

const read = (description: string): string => `{"name":"read","description":"${description}","inputSchema":{"type":"object"}}`;

async function stage() {
  const kept = new Map<string, Pins>();
  const entries: AuditEntry[] = [];
  const audit = { ...nullAudit, record: (entry: AuditEntry) => void entries.push(entry) };
  const files = { recall: () => Promise.resolve(), of: (name: string) => kept.get(name) ?? null, keep: (name: string, pins: Pins) => void kept.set(name, pins), written: () => Promise.resolve() };
  const trust = new Trust({ files, log: nullLog, audit, limits: defaultLimits });
  const made: { pool: ScriptedPool | null } = { pool: null };
  const hub = createHub({ createPool: (events) => (made.pool = createScriptedPool(events)), clock: createTestClock(), log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty: configOf(), audit, trust });
  await hub.propose(configOf(specOf("files", { pin: "block" })));
  if (made.pool === null) throw new Error("no pool was made");
  const backend = made.pool.backend("files");
  const call = (name: string, server: string | null = null): Promise<string> => hub.call(callOf("tools/call", JSON.stringify({ name }), { selection: { server } })).then(textOf);
  return { hub, backend, call, entries };
}

describe("a definition that is not what was trusted", () => {
  test("is neither listed nor called, nor are instructions given, until it is trusted", async () => {
    const { hub, backend, call, entries } = await stage();
    backend.offer({ tools: [read("Reads.")] });
    expect(await listTools(hub)).toContain("files__read");
    backend.offer({ tools: [read("Evil."), '{"name":"send","inputSchema":{"type":"object"}}'] });
    expect(await listTools(hub)).toBe('{"tools":[]}');
    for (const [name, server] of [["files__read", null], ["read", "files"], ["send", "files"]] as const) expect(await call(name, server)).toContain('"code":"NAME_UNKNOWN"');
    expect(await call("unlisted", "files")).toContain('"text":"files"');
    const review = hub.review("files");
    expect(hub.status().untrusted).toEqual([review]);
    expect(hub.status().problems.map(({ id, reason }) => `${id}: ${reason}`)).toContain("read: it is not what was trusted, and withheld until `1mcp mcp trust` accepts it");
    hub.trust("files", review.digest);
    expect(await listTools(hub)).toContain("Evil.");
    expect(await call("files__read")).toContain('"text":"files"');
    expect(hub.status().untrusted).toEqual([]);
    expect(entries.map(({ ev }) => ev)).toEqual(expect.arrayContaining(["backend.start", "pin.created", "pin.changed", "pin.approved", "definition.flagged"]));
  });

  test("that one caller alone is offered is withheld from that caller", async () => {
    const { hub, backend, call } = await stage();
    backend.offer({ tools: [read("Reads.")] });
    await listTools(hub);
    const items = [read("Evil."), '{"name":"own","inputSchema":{"type":"object"}}'];
    const none = { items: [], cache: { ttlMs: 0, scope: "private" as const } };
    const offered: Offered = { facts: { info: "{}", capabilities: new Map([["tools", "{}"]]), instructions: null, revision: "test", announces: true, subscribes: false }, lists: { tools: { ...none, items }, prompts: none, resources: none, templates: none }, fetchedAt: 0 };
    backend.variants.push({ offered, concerns: () => true });
    backend.settle("ready");
    expect(await listTools(hub)).toBe('{"tools":[]}');
    expect(await call("own", "files")).toContain('"code":"NAME_UNKNOWN"');
    expect(hub.review("files").drifts).toEqual([]);
  });

  test("is nothing to a hub that pins nothing", async () => {
    const hub = createHub({ createPool: (events) => createScriptedPool(events), clock: createTestClock(), log: nullLog, identity: { name: "1mcp", version: "0" }, cursorKey: new Uint8Array(32), empty: configOf() });
    const codeOf = (act: () => unknown): unknown => {
      try {
        return act();
      } catch (thrown) {
        return thrown instanceof Fault ? thrown.code : thrown;
      }
    };
    expect([codeOf(() => hub.review("files")), codeOf(() => hub.trust("files", "")), hub.status().untrusted]).toEqual(["NAME_UNKNOWN", "NAME_UNKNOWN", []]);
  });
});
