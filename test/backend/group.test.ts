import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/index.ts";
import { endGroup, Groups } from "../../src/backend/group.ts";

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
    const groups = new Groups(platform);
    const [known, gone] = [start("exec sleep 1000"), start("exec sleep 1000")];
    groups.add(known);
    groups.add(gone);
    groups.remove(gone);
    groups.kill();
    await known.exited;
    expect([known.signalCode, gone.signalCode]).toEqual(["SIGKILL", null]);
    gone.kill();
    await gone.exited;
  }
});
