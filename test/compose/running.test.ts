/** The life of a proxy: it follows its configuration, and ends. */
import { expect, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { callPid, pidServer, placeOf } from "../fixtures/placed.ts";

test("a proxy may be closed twice", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  await Promise.all([running.close(), running.close()]);
  await expect(fetch(running.url)).rejects.toThrow();
});

test("a proxy says when a changed setting needs a restart, and takes the rest of the change", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  await place.write({ port: 4000, mcpServers: { raw: pidServer } });
  expect(await place.logged("needs a restart")).toContain('"keys":"port"');
  await running.reload();
  expect(await callPid(running.url)).toBeGreaterThan(0);
});

test("a proxy says that who may call, where that is changed, needs a restart, except how a call beyond its grant is answered", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const running = await place.start();
  await place.write({ auth: { stepUp: "hide" }, mcpServers: {} });
  expect((await running.reload()).restart).toEqual([]);
  await place.write({ auth: { mode: "token" }, mcpServers: {} });
  expect((await running.reload()).restart).toEqual(["auth"]);
});

test("a proxy looks at its configuration when asked, and keeps the running one when it is refused", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const running = await place.start();
  const pid = await callPid(running.url);
  await place.write("{");
  await running.reload();
  expect(running.status().config.state).toBe("rejected");
  expect(await callPid(running.url)).toBe(pid);
  await place.write({ mcpServers: { raw: { ...pidServer, env: { CHANGED: "1" } } } });
  await running.reload();
  expect(running.status().config.state).toBe("valid");
  expect(await callPid(running.url)).not.toBe(pid);
});

test("a configuration that cannot be put in place is told, and leaves the running one: here, where not even the trouble on the way to it can be logged", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer } });
  const writeLog = (line: string): void => {
    if (line.includes("what servers offered last cannot be read")) throw new Error("the log is full");
    place.writeLog(line);
  };
  const running = await place.start({ writeLog });
  const pid = await callPid(running.url);
  await chmod(join(place.stateDir, "inventories"), 0o755);
  await place.write({ mcpServers: { raw: pidServer, more: pidServer } });
  expect(await running.reload()).toMatchObject({ result: "failed", reason: "something went wrong inside 1mcp" });
  expect(await place.logged("could not be put in place, the running one goes on")).toContain(place.configPath);
  expect(await callPid(running.url)).toBe(pid);
  expect(running.status().backends.map(({ name }) => name)).toEqual(["raw"]);
});

test("what begins and ends is written down", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await (await place.start()).close();
  const lines = (await Bun.file(join(place.stateDir, "audit.log")).text()).trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { ev: string }).ev).filter((ev) => ev === "start" || ev === "stop")).toEqual(["start", "stop"]);
});
