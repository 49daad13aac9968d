import { expect, test } from "bun:test";
import { allProcesses, bootOf, startOf, startOfLiving } from "../../src/base/processes.ts";

const start = (env: Record<string, string> = {}, detached = true) => Bun.spawn(["sleep", "1000"], { env: { PATH: process.env["PATH"], ...env }, detached });
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("a process is seen with its group, its session, its start and its mark", async () => {
  const child = start({ ONE_MCP_LIFE: "abc.1", LAST: "x" });
  const seen = (await allProcesses(0)).find(({ pid }) => pid === child.pid);
  expect(seen).toEqual({ pid: child.pid, group: child.pid, session: child.pid, start: startOf(child.pid) ?? -1, mark: "abc.1" });
  expect(seen?.start).toBeGreaterThanOrEqual(startOf(process.pid) ?? Number.NaN);
  child.kill();
  await child.exited;
  expect((await allProcesses(0)).some(({ pid }) => pid === child.pid)).toBe(false);
  expect([startOf(child.pid), startOfLiving(child.pid)]).toEqual([null, null]);
  expect(startOfLiving(process.pid)).toBe(startOf(process.pid));
});

test("marks of processes that started too early are not looked for, and others have none", async () => {
  const [marked, plain] = [start({ ONE_MCP_LIFE: "abc.1" }), start({ NOT_ONE_MCP_LIFE: "abc.1" })];
  const markIn = async (since: number, of: number) => (await allProcesses(since)).find(({ pid }) => pid === of)?.mark;
  expect([await markIn((startOf(marked.pid) ?? 0) + 1, marked.pid), await markIn(0, plain.pid)]).toEqual([null, null]);
  for (const child of [marked, plain]) child.kill();
});

test("the dead who wait to be collected are none", async () => {
  // The shell has become something that collects nobody.
  const parent = Bun.spawn(["sh", "-c", "sleep 1000 & echo $!; exec sleep 1000"], { stdout: "pipe" });
  const { value } = await parent.stdout.getReader().read();
  const dead = Number(new TextDecoder().decode(value));
  while ((await Bun.file(`/proc/${parent.pid}/comm`).text()) !== "sleep\n") await turn();
  process.kill(dead, "SIGKILL");
  while (!(await Bun.file(`/proc/${dead}/stat`).text()).includes(") Z ")) await turn();
  expect((await allProcesses(0)).some(({ pid }) => pid === dead)).toBe(false);
  parent.kill();
});

test("a program's name may hold anything", async () => {
  const child = Bun.spawn(["sh", "-c", "printf ') Z 1 (' > /proc/$$/comm; echo; exec 1>&-; while :; do sleep 1000; done"], { stdout: "pipe", detached: true });
  await child.stdout.text();
  expect((await allProcesses(0)).find(({ pid }) => pid === child.pid)).toMatchObject({ group: child.pid, start: startOf(child.pid) ?? -1 });
  process.kill(-child.pid, "SIGKILL");
});

test("where there is no /proc, ps tells of numbers, groups and times", async () => {
  const before = Date.now();
  const child = start();
  const seen = (await allProcesses(0, "darwin")).find(({ pid }) => pid === child.pid);
  expect(seen).toMatchObject({ pid: child.pid, group: child.pid, session: 0, mark: null });
  expect(Math.abs((seen?.start ?? 0) - before)).toBeLessThan(60_000);
  child.kill();
});

test("each boot has a name of its own, or none", async () => {
  expect(await bootOf()).toMatch(/^[\da-f-]{36}$/);
});
