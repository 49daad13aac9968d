/** A bridge from one client to a proxy that listens, both inside the test: the proxy goes, and comes again. */
import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { type BridgeOptions, type Piped, startBridge } from "../../src/compose/index.ts";
import { type Client, createClient } from "../fixtures/cli.ts";
import { keptLines, type Lines, pidServer, type Place, placeOf } from "../fixtures/placed.ts";
import { modernLine as ask } from "../fixtures/rpc.ts";

interface Bridged extends AsyncDisposable, Lines {
  readonly client: Client;
  readonly bridging: Piped;
  /** How often somebody asked for a proxy that was not there. */
  missed(): number;
}

async function bridgeOf(place: Place, more: Partial<BridgeOptions> = {}): Promise<Bridged> {
  const kept = keptLines();
  const client = createClient();
  let missed = 0;
  const bridging = await startBridge({ ...place.around, writeLog: kept.writeLog, pipes: client.pipes(), url: null, token: null, timeoutMs: 10_000, starting: () => false, missed: () => void (missed += 1), ...more });
  return { ...kept, client, bridging, missed: () => missed, [Symbol.asyncDispose]: () => bridging.close() };
}

test("a client is told that no server runs, served by the one that comes, and told again when it has gone; each time it is missed", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  await using bridge = await bridgeOf(place);
  bridge.client.say(ask(1, "tools/list"));
  expect(await bridge.client.said('"id":1,')).toMatch(/"error":\{"code":-?\d+,.*"code":"SERVER_AWAY"/);
  expect([bridge.missed(), bridge.bridging.configPath]).toEqual([1, null]);
  const running = await place.start();
  await bridge.logged('"message":"ready"');
  bridge.client.say(ask(2, "tools/call", '"name":"raw__pid","arguments":{},'));
  expect(await bridge.client.said('"id":2,')).toMatch(/"text":"\d+"/);
  expect(bridge.missed()).toBe(1);
  await running.close();
  await bridge.logged('"removed":"server"');
  bridge.client.say(ask(3, "tools/call", '"name":"raw__pid","arguments":{},'));
  expect(await bridge.client.said('"id":3,')).toContain('"code":"SERVER_AWAY"');
  expect(bridge.missed()).toBe(2);
  bridge.client.leave();
  expect(await bridge.bridging.gone).toBe("its input has ended");
});

test("one that has to be known is shown the token of the state folder, and a selection", async () => {
  await using place = await placeOf({ mcpServers: { raw: { ...pidServer, tags: ["some"] }, other: pidServer } });
  await place.start({ insecureNoAuth: false });
  await using bridge = await bridgeOf(place, { filter: "some" });
  bridge.client.say(ask(1, "tools/list"));
  const listed = await bridge.client.said('"id":1,');
  expect([listed.includes('"raw__pid"'), listed.includes('"other__pid"')]).toEqual([true, false]);
  expect(bridge.lines.concat(place.lines).join("\n")).not.toContain((await Bun.file(join(place.stateDir, "token")).text()).trim());
});

test("what is known of a server that others can write is not followed while it is so", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await place.start();
  await using bridge = await bridgeOf(place);
  await bridge.logged('"message":"ready"');
  await chmod(join(place.stateDir, "server.json"), 0o666);
  expect(await bridge.bridging.reload()).toMatchObject({ result: "rejected", issues: [{ message: expect.stringContaining("can be read or written by others") }] });
  await expect(bridgeOf(place)).rejects.toMatchObject({ code: "STATE_UNSAFE" });
  await chmod(join(place.stateDir, "server.json"), 0o600);
  expect(await bridge.bridging.reload()).toMatchObject({ result: "changed", change: { kept: ["server"] }, issues: [] });
  bridge.client.say(ask(1, "tools/list"));
  expect(await bridge.client.said('"id":1,')).toContain('"tools":[]');
});

test("one whose address was given is asked there, whoever runs here; and there is nothing to look at again", async () => {
  await using here = await placeOf({ mcpServers: {} });
  await using there = await placeOf({ mcpServers: { raw: pidServer } });
  await here.start();
  const { url } = await there.start();
  await using bridge = await bridgeOf(here, { url });
  bridge.client.say(ask(1, "tools/list"));
  expect(await bridge.client.said('"id":1,')).toContain('"raw__pid"');
  expect(await bridge.bridging.reload()).toMatchObject({ result: "unchanged" });
  await expect(bridgeOf(here, { url: "no address" })).rejects.toMatchObject({ code: "USAGE" });
});

test("a bridge may be closed before there is anybody to bridge to, while its client waits", async () => {
  await using place = await placeOf({});
  const bridge = await bridgeOf(place, { starting: () => true });
  bridge.client.say(ask(1, "tools/list"));
  await bridge.bridging.close();
  expect(await bridge.client.said('"id":1,')).toContain('"error"');
});
