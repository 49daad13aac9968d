import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { allProcesses, type Seen, startOf } from "../../src/base/processes.ts";
import { endTree, reap } from "../../src/base/reap.ts";

const start = (script: string, mark: string | null = null, shell = "sh") => {
  const env = { PATH: process.env["PATH"], ...(mark === null ? {} : { ONE_MCP_LIFE: mark }) };
  return Bun.spawn([shell, "-c", script], { stdin: "ignore", stdout: "pipe", stderr: "ignore", detached: true, env });
};
const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => new TextDecoder().decode((await stream.getReader().read()).value).trim();
const lives = async (pid: number): Promise<boolean> => (await allProcesses(0)).some((one) => one.pid === pid);
const patience = { graceMs: 0, termMs: 1000, settleMs: 0 };
const since = startOf(process.pid) ?? 0;
const unmarked = "f00dfeed";
const idle = "exec sleep 1000";
const deaf = "trap '' TERM; echo up; while :; do sleep 0.01; done";

test("those with a mark, or a longer one that begins with it, are ended, and nobody whose mark only looks alike", async () => {
  const [own, child, grown, other, none] = [start(idle, "abcd0001"), start(idle, "abcd0001.7"), start(idle, "abcd0001.7.1"), start(idle, "abcd00012.1"), start(idle)];
  const { ended, left } = await reap({ kin: { mark: "abcd0001", groups: new Map(), since }, patience, clock: systemClock });
  await Promise.all([own.exited, child.exited, grown.exited]);
  expect([ended, left]).toEqual([3, []]);
  expect([own, child, grown].map(({ signalCode }) => signalCode)).toEqual(["SIGTERM", "SIGTERM", "SIGTERM"]);
  expect([await lives(other.pid), await lives(none.pid)]).toEqual([true, true]);
  for (const one of [other, none]) one.kill();
});

// bash gives each job a group of its own without a terminal too.
test("a group is ended with all in it and in its session, and what ignores TERM is killed", async () => {
  const leader = start(`set -m; sh -c "${deaf}" & sleep 1000 & ${deaf}`, null, "bash");
  await firstLine(leader.stdout);
  const session = async (): Promise<readonly Seen[]> => (await allProcesses(0)).filter((one) => one.session === leader.pid);
  while (new Set((await session()).map(({ group }) => group)).size < 3) await new Promise((resolve) => setImmediate(resolve));
  const { left } = await reap({ kin: { mark: unmarked, groups: new Map([[leader.pid, startOf(leader.pid)]]), since }, patience, clock: systemClock });
  await leader.exited;
  expect([left, leader.signalCode, await session()]).toEqual([[], "SIGKILL", []]);
});

test("a group whose number has been given anew is left alone", async () => {
  const stranger = start(idle);
  const groups = new Map([[stranger.pid, (startOf(stranger.pid) ?? 0) - 1]]);
  expect(await reap({ kin: { mark: unmarked, groups, since }, patience, clock: systemClock })).toEqual({ ended: 0, left: [] });
  expect(await lives(stranger.pid)).toBe(true);
  stranger.kill();
});

test("a group without its leader counts as ours when somebody in it carries the mark, else it is left alone", async () => {
  const script = "sleep 1000 & env -i sleep 1000 & echo up; exit 0";
  const [ours, strangers] = [start(script, "abcd0002.1"), start(script, "abcd0003.1")];
  const groups = new Map([ours, strangers].map(({ pid }) => [pid, startOf(pid)]));
  await Promise.all([ours.exited, strangers.exited]);
  const inGroup = async ({ pid }: { readonly pid: number }): Promise<number> => (await allProcesses(0)).filter(({ group }) => group === pid).length;
  expect([await inGroup(ours), await inGroup(strangers)]).toEqual([2, 2]);
  await reap({ kin: { mark: "abcd0002", groups, since }, patience, clock: systemClock });
  expect([await inGroup(ours), await inGroup(strangers)]).toEqual([0, 2]);
  process.kill(-strangers.pid, "SIGKILL");
});

test("a group that has been recognised stays so when its leader goes first", async () => {
  const leader = start("sh -c \"trap '' TERM; echo up; while :; do sleep 0.01; done\" & exec sleep 1000");
  await firstLine(leader.stdout);
  const { left } = await reap({ kin: { mark: unmarked, groups: new Map([[leader.pid, startOf(leader.pid)]]), since }, patience, clock: systemClock });
  expect([left, (await allProcesses(0)).filter(({ group }) => group === leader.pid)]).toEqual([[], []]);
});

test("who ends by himself in the time of grace is not told to", async () => {
  const child = start("sleep 0.05; exit 4", "abcd0004.1");
  expect(await reap({ kin: { mark: "abcd0004", groups: new Map(), since }, patience: { ...patience, graceMs: 5000 }, clock: systemClock })).toEqual({ ended: 0, left: [] });
  expect(await child.exited).toBe(4);
});

test("who appears later, within the time to settle, is found", async () => {
  const looks: (readonly Seen[])[] = [[], []];
  const child = start(idle, "abcd0005.1");
  const look = async (): Promise<readonly Seen[]> => looks.shift() ?? (await allProcesses(since));
  const { ended } = await reap({ kin: { mark: "abcd0005", groups: new Map(), since }, patience: { ...patience, settleMs: 5000, termMs: 0 }, clock: { ...systemClock, now: () => (child.killed || child.signalCode !== null ? Number.MAX_SAFE_INTEGER : Date.now()) }, look });
  expect([ended, await child.exited.then(() => child.signalCode)]).toEqual([1, "SIGTERM"]);
});

test("who cannot be ended is named", async () => {
  // A number above all that the system gives.
  const ghost: Seen = { pid: 2 ** 30, start: 1, group: 2 ** 30, session: 0, mark: "abcd0006.1" };
  expect(await reap({ kin: { mark: "abcd0006", groups: new Map(), since }, patience: { graceMs: 0, termMs: 20, settleMs: 0 }, clock: systemClock, look: async () => [ghost] })).toEqual({ ended: 1, left: [ghost.pid] });
});

test("where there are neither marks nor /proc, the leader's start proves its group", async () => {
  const child = start("sleep 1000 & echo up; exec sleep 1000");
  await firstLine(child.stdout);
  const seen = (await allProcesses(0, "darwin")).find(({ pid }) => pid === child.pid);
  const kin = { mark: unmarked, groups: new Map([[child.pid, seen?.start ?? 0]]), since: 0 };
  expect(await reap({ kin, patience, clock: systemClock, platform: "darwin" })).toMatchObject({ ended: 2, left: [] });
  expect((await allProcesses(0)).filter(({ group }) => group === child.pid)).toEqual([]);
});

test("the tool that ends a tree may be missing", async () => {
  expect(await endTree(2 ** 30)).toBeUndefined();
});
