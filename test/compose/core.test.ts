/** Hub, backends and eras of one proxy: two in one process, what is left when one cannot start, and what only one with servers of its own has. */
import { expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createCollector } from "../fixtures/collector.ts";
import { callPid, pidServer, placeOf } from "../fixtures/placed.ts";
import { sendModern } from "../fixtures/rpc.ts";

test("a proxy runs beside another one in the same process, each with children of its own, and takes them along when it closes", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const [one, other] = [await place.start(), await place.start({ stateDir: join(place.dir, "other") })];
  const pids = [await callPid(one.url), await callPid(other.url)];
  expect(pids[0]).not.toBe(pids[1]);
  await one.close();
  expect(() => process.kill(pids[0] ?? 0, 0)).toThrow();
  expect(await callPid(other.url)).toBe(pids[1] ?? 0);
  expect(other.status().backends).toMatchObject([{ name: "raw", state: "ready", pid: pids[1] }]);
});

test("a proxy has what libraries say on the console in its log, as long as it runs", async () => {
  await using place = await placeOf({});
  const before = console.warn;
  const running = await place.start();
  console.warn("a word of a library");
  await running.close();
  expect([place.lines.filter((line) => line.includes("a word of a library")).length, console.warn === before]).toEqual([1, true]);
});

test("a proxy that cannot say where it listens does not listen, and leaves nothing behind", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await mkdir(join(place.stateDir, "server.json"), { recursive: true, mode: 0o700 });
  await expect(place.start()).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  expect(process.listeners("exit").length).toBe(0);
});

test("a proxy that is asked for its spans sends those that are left at its end", async () => {
  await using collector = createCollector();
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const running = await place.start({ env: { ...place.around.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  await callPid(running.url);
  await running.close();
  expect(collector.spans().map(({ name }) => name)).toContain("tools/call raw__pid");
});

test("a proxy knows in its next life what its servers offered in the one before, until they come up", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const first = await place.start();
  await callPid(first.url);
  await first.close();
  await place.write({ mcpServers: { raw: { ...pidServer, start: "on-demand" } } });
  const second = await place.start();
  expect((await sendModern({ url: second.url, token: null }, { method: "tools/list" })).text).toContain('"name":"raw__pid"');
});
