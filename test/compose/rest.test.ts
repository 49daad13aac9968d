/** What a proxy leaves in its state folder, where none runs. */
import { expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootOf, startOf } from "../../src/base/index.ts";
import { endLeftBehind, grantsAtRest, leftBehind, pinsAtRest } from "../../src/compose/index.ts";
import { callPid, pidServer, placeOf } from "../fixtures/placed.ts";
import { temporaryDir } from "../fixtures/program.ts";

test("grants are looked after where no server runs, whatever is wrong with the configuration: who has to end one cannot wait", async () => {
  await using dir = await temporaryDir();
  const configPath = join(dir.path, "mcp.json");
  await writeFile(configPath, "{ this is no configuration", { mode: 0o600 });
  const rest = await grantsAtRest({ stateDir: join(dir.path, "state"), logLevel: "info", env: {}, version: "0", writeLog: () => undefined, pretty: false, configPath });
  expect(rest.operator.grants()).toEqual([]);
  const { token } = rest.operator.createToken({ name: "ci", scopes: null, lifeMs: 60_000 });
  expect([token.startsWith("1mcp_"), rest.operator.grants().length, rest.operator.grants().filter(({ name }) => name === "ci").length]).toEqual([true, 1, 1]);
  rest.operator.revoke("all");
  expect(rest.operator.grants()).toEqual([]);
  await rest.close();
});

test("grants are not looked at in a folder that others could have changed", async () => {
  await using place = await placeOf({ mcpServers: {} });
  await mkdir(place.stateDir, { mode: 0o755 });
  await chmod(place.stateDir, 0o755);
  await expect(grantsAtRest({ ...place.around, configPath: place.configPath })).rejects.toMatchObject({ code: "STATE_UNSAFE" });
});

test("what was trusted of servers is known where no server runs, and what they offered last can be trusted there", async () => {
  await using place = await placeOf({ mcpServers: { raw: pidServer, silent: pidServer } });
  const running = await place.start();
  await callPid(running.url);
  await running.close();
  const rest = await pinsAtRest({ ...place.around, configPath: place.configPath });
  const review = rest.review("raw");
  expect([review.pin, review.drifts]).toEqual(["warn", []]);
  expect(rest.trust("raw", review.digest)).toEqual(review);
  expect(() => rest.trust("raw", "another")).toThrow(expect.objectContaining({ code: "PARAMS_INVALID" }));
  await rest.close();
});

test("what was trusted cannot be said with a configuration that cannot be used", async () => {
  await using place = await placeOf("{");
  await expect(pinsAtRest({ ...place.around, configPath: place.configPath })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test.skipIf(process.platform !== "linux")("servers that a killed proxy left are found, and end when they are ended", async () => {
  await using place = await placeOf({});
  const life = "28a1700d5cc4494782dced70d48c4d5d";
  await using child = Bun.spawn([process.execPath, "-e", "setInterval(() => undefined, 1000)"], { detached: true, env: { PATH: process.env["PATH"], ONE_MCP_LIFE: life } });
  await mkdir(join(place.stateDir, "children"), { recursive: true, mode: 0o700 });
  await chmod(place.stateDir, 0o700);
  await writeFile(join(place.stateDir, "children", `${life}.json`), JSON.stringify({ life, boot: await bootOf(), pid: 2 ** 30, start: 1, children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] }), { mode: 0o600 });
  expect(await leftBehind(place.stateDir)).toEqual([child.pid]);
  await endLeftBehind(place.stateDir);
  await child.exited;
  expect(await leftBehind(place.stateDir)).toEqual([]);
});
