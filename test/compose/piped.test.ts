/** A proxy with one client on its pipes, inside the test. */
import { expect, test } from "bun:test";
import { type Piped, startStdio } from "../../src/compose/index.ts";
import { type Client, createClient } from "../fixtures/cli.ts";
import { pidServer, type Place, placeOf } from "../fixtures/placed.ts";
import { modernLine as ask } from "../fixtures/rpc.ts";

const begin = (place: Place, client: Client, more: Partial<Parameters<typeof startStdio>[0]> = {}): Promise<Piped> => startStdio({ ...place.around, configPath: place.configPath, demoArgv: [], watchdogArgv: null, pipes: client.pipes(), ...more });

test("its client is served, narrowed if that was said, until it goes; then everything ends", async () => {
  await using place = await placeOf({ presets: { few: { filter: "some" } }, mcpServers: { raw: { ...pidServer, tags: ["some"] }, other: pidServer } });
  const client = createClient();
  const running = await begin(place, client, { filter: "preset:few" });
  client.say(ask(1, "tools/list"));
  const listed = await client.said('"id":1,');
  expect([listed.includes('"raw__pid"'), listed.includes('"other__pid"')]).toEqual([true, false]);
  client.say(ask(2, "tools/call", '"name":"raw__pid","arguments":{},'));
  const pid = Number(/"text":"(\d+)"/.exec(await client.said('"id":2,'))?.[1]);
  client.leave();
  expect(await running.gone).toBe("its input has ended");
  expect(await place.logged("the client has gone")).toContain('"how":"its input has ended"');
  await running.close();
  expect(() => process.kill(pid, 0)).toThrow();
});

test("the whole of it is shown where nothing narrows it, it follows its configuration, and may be closed before its client goes", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const client = createClient();
  const running = await begin(place, client);
  expect([running.configPath, running.status().backends]).toEqual([place.configPath, []]);
  await place.write({ mcpServers: { raw: pidServer } });
  expect(await running.reload()).toMatchObject({ result: "changed", change: { added: ["raw"] } });
  client.say(ask(1, "tools/list"));
  expect(await client.said('"id":1,')).toContain('"raw__pid"');
  await Promise.all([running.close(), running.close()]);
});

test("it does not start with what it cannot use", async () => {
  await using place = await placeOf("{");
  await expect(begin(place, createClient())).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await place.write({});
  await expect(begin(place, createClient(), { filter: "preset:none" })).rejects.toMatchObject({ code: "SELECTION_INVALID" });
});
