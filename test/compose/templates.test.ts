/** The servers of a project, which run beside the bridge to a proxy that listens. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type BridgeOptions, type Piped, startBridge } from "../../src/compose/index.ts";
import { type Client, createClient } from "../fixtures/cli.ts";
import { keptLines, type Lines, pidServer, type Place, placeOf } from "../fixtures/placed.ts";
import { projectDir } from "../fixtures/program.ts";
import { modernLine as ask } from "../fixtures/rpc.ts";

const teller = { command: process.execPath, args: [join(projectDir, "test", "fixtures", "tellBackend.ts"), "{{project.name}}"] };

interface Beside extends AsyncDisposable, Lines {
  readonly client: Client;
  readonly bridging: Piped;
}

async function besideOf(place: Place, more: Partial<BridgeOptions> = {}): Promise<Beside> {
  const kept = keptLines();
  const client = createClient();
  const project = { configPath: place.configPath, context: { project: { name: "cherry" } }, watchdogArgv: null, selfArgv: null };
  const bridging = await startBridge({ ...place.around, writeLog: kept.writeLog, pipes: client.pipes(), url: null, token: null, timeoutMs: 10_000, starting: () => false, missed: () => undefined, project, ...more });
  return { ...kept, client, bridging, [Symbol.asyncDispose]: () => bridging.close() };
}

describe("templates", () => {
  test("run beside the bridge, filled in with what is known of the project, and are all there is while no server runs", async () => {
    await using place = await placeOf({ mcpServers: { raw: pidServer }, mcpTemplates: { own: teller, off: { ...teller, disabled: true } } });
    const running = await place.start();
    await using beside = await besideOf(place);
    expect(beside.bridging.status().backends.map(({ name }) => name)).toEqual(["server", "own"]);
    beside.client.say(ask(1, "tools/call", '"name":"own__tell","arguments":{},'));
    expect(await beside.client.said('"id":1,')).toContain(String.raw`\"argv\":[\"cherry\"]`);
    beside.client.say(ask(2, "tools/list"));
    expect(await beside.client.said('"id":2,')).toContain('"raw__pid"');
    await running.close();
    await beside.logged('"removed":"server"');
    expect(beside.bridging.status().backends.map(({ name }) => name)).toEqual(["own"]);
  });

  test("that a selection leaves out do not run", async () => {
    await using place = await placeOf({ presets: { few: { filter: "some" } }, mcpServers: {}, mcpTemplates: { in: { ...teller, tags: ["some"] }, out: teller } });
    await using beside = await besideOf(place, { filter: "preset:few" });
    expect(beside.bridging.status().backends.map(({ name }) => name)).toEqual(["in"]);
  });

  test("of a configuration that cannot be used do not run, which is told; the bridge is there all the same", async () => {
    await using place = await placeOf("{");
    await using beside = await besideOf(place);
    const told = await beside.logged("templates do not run");
    expect(told).toContain(place.configPath);
    expect([told.includes('"reason":"'), told.includes("1mcp config check")]).toEqual([true, true]);
    expect(beside.bridging.status().backends).toEqual([]);
  });

  test("are none where there is no configuration, or no project", async () => {
    await using place = await placeOf({ mcpTemplates: { own: teller } });
    for (const project of [null, { configPath: join(place.dir, "none.json"), context: {}, watchdogArgv: null }]) {
      await using beside = await besideOf(place, { project });
      expect(beside.bridging.status().backends).toEqual([]);
      expect(beside.lines.filter((line) => line.includes("templates do not run"))).toEqual([]);
    }
  });
});
