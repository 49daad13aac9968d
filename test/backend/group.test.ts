import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/index.ts";
import { endGroup, Groups, type Member, type Witness } from "../../src/backend/group.ts";

const start = (script: string) => Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe", stderr: "ignore", detached: true });
const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  const { value } = await stream.getReader().read();
  return new TextDecoder().decode(value).trim();
};
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
/** Running, and not merely waiting to be collected by whoever inherited it. */
const runs = async (pid: number): Promise<boolean> => {
  const state = await Bun.file(`/proc/${pid}/stat`).text().catch(() => "");
  return state !== "" && !/\) [ZX] /.test(state);
};

test("a child that ends with its stdin is not signalled", async () => {
  const child = start("trap 'exit 9' TERM; cat > /dev/null; exit 4");
  child.stdin.end();
  await endGroup(child, systemClock, { stdinEndMs: 5000, termMs: 5000 });
  expect(child.exitCode).toBe(4);
});

test("a child that stays gets TERM, and one that ignores it KILL", async () => {
  const polite = start("trap 'exit 9' TERM; echo up; while :; do sleep 0.01; done");
  const deaf = start("trap '' TERM; echo up; while :; do sleep 0.01; done");
  await Promise.all([firstLine(polite.stdout), firstLine(deaf.stdout)]);
  await Promise.all([polite, deaf].map((child) => endGroup(child, systemClock, { stdinEndMs: 20, termMs: 200 })));
  expect(polite.exitCode).toBe(9);
  expect(deaf.signalCode).toBe("SIGKILL");
});

test("descendants end with the child, whether or not it took care of them", async () => {
  const child = start("sleep 1000 & echo $!; wait");
  const grandchild = Number(await firstLine(child.stdout));
  expect(await runs(grandchild)).toBe(true);
  await endGroup(child, systemClock, { stdinEndMs: 10, termMs: 500 });
  expect(await runs(grandchild)).toBe(false);
});

test("what a crashed child left behind is ended, even what ignores TERM", async () => {
  const child = start("sh -c \"trap '' TERM; echo \\$\\$; while :; do sleep 0.01; done\" & sleep 0.2; kill -9 $$");
  const grandchild = Number(await firstLine(child.stdout));
  await child.exited;
  expect(await runs(grandchild)).toBe(true);
  await endGroup(child, systemClock, { stdinEndMs: 5000, termMs: 100 });
  while (await runs(grandchild)) await turn();
  expect(await runs(grandchild)).toBe(false);
  // Nothing is left to wait for.
  const before = performance.now();
  await endGroup(child, systemClock, { stdinEndMs: 5000, termMs: 5000 });
  expect(performance.now() - before).toBeLessThan(1000);
});

test("where there are no groups, the child alone is ended, by force if it does not go", async () => {
  const [polite, deaf] = [start("cat > /dev/null; exit 4"), start("exec sleep 1000")];
  polite.stdin.end();
  await Promise.all([endGroup(polite, systemClock, { stdinEndMs: 5000, termMs: 5000 }, "win32"), endGroup(deaf, systemClock, { stdinEndMs: 10, termMs: 5000 }, "win32")]);
  expect([polite.exitCode, deaf.signalCode]).toEqual([4, "SIGKILL"]);
});

test("all groups that are known are killed at once, and no others", async () => {
  for (const platform of [process.platform, "win32"]) {
    const groups = new Groups({ platform });
    const [known, gone] = [start("exec sleep 1000"), start("cat > /dev/null")];
    groups.add(known, groups.expect(), "known");
    groups.add(gone, groups.expect(), "gone");
    gone.stdin.end();
    await groups.end(gone, systemClock, { stdinEndMs: 5000, termMs: 5000 });
    groups.kill();
    await known.exited;
    expect([known.signalCode, gone.exitCode]).toEqual(["SIGKILL", 0]);
  }
});

/** Hears what it is told. */
const witness = () => {
  const heard: string[] = [];
  const told = Promise.withResolvers<Member>();
  const listening: Witness = {
    expect: () => void heard.push("expect"),
    took(member) {
      heard.push(`took ${member.server} ${member.start === null ? "some time" : "in time"}`);
      if (member.start !== null) told.resolve(member);
    },
    lost: () => void heard.push("lost"),
    close: async () => void heard.push("close"),
  };
  return { heard, told: told.promise, listening };
};

test("witnesses hear of a child before it is started, when it runs, and when nothing of it is left", async () => {
  const { heard, told, listening } = witness();
  const groups = new Groups({ life: "abc", witnesses: [listening] });
  expect([groups.expect(), groups.expect()]).toEqual(["abc.1", "abc.2"]);
  const child = start("cat > /dev/null");
  groups.add(child, "abc.2", "cat");
  expect((await told).pid).toBe(child.pid);
  child.stdin.end();
  await groups.end(child, systemClock, { stdinEndMs: 5000, termMs: 5000 });
  await groups.close();
  expect(heard).toEqual(["expect", "expect", "took cat in time", "lost", "close"]);
});

test("where the system does not say at once when a child started, witnesses hear it later", async () => {
  const { told, listening } = witness();
  const groups = new Groups({ witnesses: [listening] });
  const child = start("exec sleep 1000");
  // Nobody has this number; the list of all processes is asked then, and does not have it either.
  groups.add({ pid: 2 ** 30, exited: child.exited, kill: () => undefined }, groups.expect(), "nobody");
  groups.add(child, groups.expect(), "sleep");
  expect(await told).toMatchObject({ pid: child.pid, server: "sleep" });
  groups.kill();
  await child.exited;
});

test("a descendant in a session of its own ends with the child whose mark it carries, and another child's does not", async () => {
  const groups = new Groups();
  const child = (): { leader: ReturnType<typeof start>; mark: string } => {
    const mark = groups.expect();
    const script = "setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & cat > /dev/null";
    return { mark, leader: Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe", stderr: "ignore", detached: true, env: { PATH: process.env["PATH"], ONE_MCP_LIFE: mark } }) };
  };
  const [ending, staying] = [child(), child()];
  const [escaped, other] = [Number(await firstLine(ending.leader.stdout)), Number(await firstLine(staying.leader.stdout))];
  for (const { leader, mark } of [ending, staying]) groups.add(leader, mark, "child");
  for (const { leader } of [ending, staying]) leader.stdin.end();
  await groups.end(ending.leader, systemClock, { stdinEndMs: 5000, termMs: 50 });
  // Who was killed is gone when the system next gives it a turn.
  while (await runs(escaped)) await turn();
  expect(await runs(other)).toBe(true);
  await groups.end(staying.leader, systemClock, { stdinEndMs: 5000, termMs: 50 });
  while (await runs(other)) await turn();
});

test("who is ended when the program ends gets no more time than is left then", async () => {
  const groups = new Groups();
  const child = start("trap '' TERM; sleep 1000 & wait; wait");
  groups.add(child, groups.expect(), "stubborn");
  groups.hurry({ stdinEndMs: 0, termMs: 50 });
  child.stdin.end();
  await groups.end(child, systemClock, { stdinEndMs: 60_000, termMs: 60_000 });
  expect(child.signalCode).toBe("SIGKILL");
});
