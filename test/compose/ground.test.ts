/** What a proxy starts from: its configuration, its log, its audit log. */
import { expect, test } from "bun:test";
import { chmod, mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { placeOf } from "../fixtures/placed.ts";
import { sendModern } from "../fixtures/rpc.ts";

test("a proxy serves the demonstration when there is no configuration, from a child process", async () => {
  await using place = await placeOf({});
  const running = await place.start({ configPath: null });
  expect(running.configPath).toBeNull();
  expect((await fetch(running.url.replace("/mcp", "/health/ready"))).status).toBe(200);
  const listed = await sendModern({ url: running.url, token: null }, { method: "tools/list" });
  expect(listed.text).toContain('"name":"demo__echo"');
  expect(running.status().backends[0]?.pid).toBeGreaterThan(0);
});

test("a proxy does not start with a configuration that is not valid, and says every reason", async () => {
  await using place = await placeOf('{ "mcpServers": { "a": { "comand": "x" } }, "prot": 1 }');
  const refused = await place.start().catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "CONFIG_INVALID", path: place.configPath });
  expect((refused as { issues: { message: string }[] }).issues.map((issue) => issue.message).join("\n")).toMatch(/comand[^]*prot/u);
});

test("an audit log that cannot be written is told, and the rest works; so is it when it can be written again", async () => {
  await using place = await placeOf({ mcpServers: {} });
  const audit = join(place.stateDir, "audit.log");
  await mkdir(audit, { recursive: true, mode: 0o700 });
  await chmod(place.stateDir, 0o700);
  const running = await place.start();
  expect(await place.logged("the audit log cannot be written")).toContain("nothing new is granted");
  await rmdir(audit);
  await running.close();
  expect(await place.logged("the audit log can be written again")).toContain(audit);
});

test("a proxy without an audit log writes none", async () => {
  await using place = await placeOf({ audit: { file: "" }, mcpServers: {} });
  await (await place.start()).close();
  expect(await Bun.file(join(place.stateDir, "audit.log")).exists()).toBe(false);
});

test("a proxy does not start with a view that names a preset which is not there, and tells of what is odd in a configuration that it uses", async () => {
  await using place = await placeOf({ presets: { few: { filter: "server:nobody" } }, mcpServers: {} });
  await expect(place.start({ filter: "preset:many" })).rejects.toMatchObject({ code: "SELECTION_INVALID", message: expect.stringContaining("many") });
  await place.start({ filter: "preset:few" });
  expect(await place.logged("configuration: ")).toContain('"level":"warn"');
});

test("what a configuration says of the log, of who follows it and of the numbers is heeded, though they are there early", async () => {
  const limits = { tailLinesMax: 1, tailWaitMs: 1, settleMsMax: 5, logTextMax: 12, labelCharsMax: 3 };
  await using place = await placeOf({ limits, mcpServers: { alphabet: { command: "x", disabled: true } } });
  await place.start();
  const linesAfter = async (after: number, wait: boolean): Promise<readonly { readonly text: string }[]> => ((await (await place.operator("/logs", "POST", { server: null, after, linesMax: 99, wait })).json()) as { lines: { text: string }[] }).lines;
  expect(await linesAfter(0, false)).toHaveLength(1);
  expect(await linesAfter(1_000_000, true)).toEqual([]);
  expect(place.lines.map((line) => (JSON.parse(line) as { message: string }).message.length).every((length) => length <= limits.logTextMax + 1)).toBe(true);
  expect((await place.operator("/servers/alphabet/settled", "POST", { ms: 6 })).status).toBe(400);
  expect((await place.operator("/servers/alphabet/settled", "POST", { ms: 5 })).status).toBe(200);
  const numbers = await (await place.operator("/metrics")).text();
  expect(numbers).toContain('="alp"');
  expect(numbers).not.toContain("alphabet");
});

test.skipIf(process.platform === "win32")("a secret in a file that others can read is told of as an error, or refused where that was asked for", async () => {
  await using place = await placeOf({ mcpServers: { raw: { url: "http://127.0.0.1:1/mcp", headers: { Authorization: "a secret that is written out" }, disabled: true } } });
  await chmod(place.configPath, 0o644);
  await expect(place.start({ strictSecrets: true })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await place.start();
  expect(await place.logged("configuration: holds a secret")).toContain('"level":"error"');
});
