import { expect, test } from "bun:test";
import { chargeText, startOf, tookLine } from "../../src/base/index.ts";
import { createClient, startHere } from "../fixtures/cli.ts";

const life = "abcdef0123456789";
const envOf = (graceMs = 0): Record<string, string> => ({ ONE_MCP_WATCH: chargeText({ life, since: startOf(process.pid) ?? 0, graceMs, termMs: 100 }) });
const start = (script: string, mark: string | null) => Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "ignore", detached: true, env: { PATH: process.env["PATH"], ...(mark === null ? {} : { ONE_MCP_LIFE: mark }) } });

test("the watchdog ends groups that it was told of and whoever carries the mark, once its stdin has ended", async () => {
  const client = createClient();
  const here = startHere(["watchdog"], envOf(), { pipes: client.pipes });
  const [told, marked, stranger] = [start("exec sleep 1000", null), start("trap '' TERM; while :; do sleep 0.01; done", `${life}.3`), start("exec sleep 1000", "0123.1")];
  client.say(tookLine(told.pid, startOf(told.pid)));
  client.leave();
  expect(await here.code).toBe(0);
  await Promise.all([told.exited, marked.exited]);
  expect([told.signalCode, marked.signalCode, stranger.signalCode]).toEqual(["SIGTERM", "SIGKILL", null]);
  expect([here.stdout.text(), here.stderr.text()]).toEqual(["", ""]);
  stranger.kill();
});

test("it takes no signal of a terminal or of a service manager, and hands them back at its end", async () => {
  const client = createClient();
  const here = startHere(["watchdog"], envOf(), { pipes: client.pipes });
  const names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  while (names.some((name) => here.signals.listenerCount(name) === 0)) await new Promise((resolve) => setImmediate(resolve));
  for (const name of names) here.signals.emit(name);
  client.leave();
  expect(await here.code).toBe(0);
  expect(names.map((name) => here.signals.listenerCount(name))).toEqual([0, 0, 0, 0]);
});

test("nobody but a proxy starts it", async () => {
  const here = startHere(["watchdog"]);
  expect(await here.code).toBe(2);
  expect(here.stderr.text()).toContain("the watchdog is started by a proxy");
});
