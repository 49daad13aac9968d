import { describe, expect, test } from "bun:test";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startOf, systemClock } from "../../src/base/index.ts";
import { claimState, readOwner } from "../../src/config/index.ts";
import { createFolder } from "../fixtures/folder.ts";

const claimOf = (stateDir: string, takeover = false) => claimState({ stateDir, clock: systemClock, takeover });

describe("a state folder", () => {
  test("belongs to the one that claimed it, until he gives it back", async () => {
    await using folder = await createFolder();
    const stateDir = folder.at("state");
    const claim = await claimOf(stateDir);
    expect(await readOwner(stateDir)).toEqual({ pid: process.pid });
    await expect(claimOf(stateDir)).rejects.toMatchObject({ code: "STATE_OWNED", message: expect.stringContaining(`process ${process.pid}`), data: { pid: process.pid } });
    await claim.release();
    await claim.release();
    expect(await readOwner(stateDir)).toBeNull();
    await (await claimOf(stateDir)).release();
  });

  test("goes to one alone of many that want it at once, also where a dead one left it", async () => {
    await using folder = await createFolder();
    for (const isLeft of Array.from({ length: 20 }, (_one, round) => round % 2 === 1)) {
      if (isLeft) await writeFile(join(folder.path, "owner.json"), JSON.stringify({ pid: Bun.spawnSync([process.execPath, "--version"]).pid }), { mode: 0o600 });
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => claimOf(folder.path)));
      const won = tries.filter((one) => one.status === "fulfilled");
      expect([won.length, await readdir(folder.path)]).toEqual([1, ["owner.json"]]);
      await won[0]?.value.release();
    }
  });

  test("that a dead server left, or that nobody can have written, is free", async () => {
    await using folder = await createFolder();
    const path = join(folder.path, "owner.json");
    const start = startOf(process.pid);
    const dead = [{ pid: Bun.spawnSync([process.execPath, "--version"]).pid }, { pid: 0 }, { pid: "1" }, null, 1, "{"];
    // Our own number, given to another process before: only Linux tells.
    const reused = start === null ? [] : [{ pid: process.pid, start: start - 1, boot: "" }, { pid: process.pid, start, boot: "another boot" }];
    for (const left of [...dead, ...reused]) {
      await writeFile(path, left === "{" ? left : JSON.stringify(left), { mode: 0o600 });
      expect({ left, owner: await readOwner(folder.path) }).toEqual({ left, owner: null });
      await (await claimOf(folder.path)).release();
    }
  });

  test("is taken from a living owner by the one that takes over, and the old one's end does not give it away", async () => {
    await using folder = await createFolder();
    const old = await claimOf(folder.path);
    const next = await claimOf(folder.path, true);
    await old.release();
    await expect(claimOf(folder.path)).rejects.toMatchObject({ code: "STATE_OWNED" });
    await next.release();
    expect(await readOwner(folder.path)).toBeNull();
  });

  test("whose owner is told by others is not believed", async () => {
    await using folder = await createFolder();
    await writeFile(join(folder.path, "owner.json"), "{}", { mode: 0o644 });
    await expect(claimOf(folder.path)).rejects.toMatchObject({ code: "STATE_UNSAFE" });
    await mkdir(join(folder.path, "other"), { mode: 0o755 });
    await expect(claimOf(join(folder.path, "other"))).rejects.toMatchObject({ code: "STATE_UNSAFE" });
  });

  test.skipIf(process.platform !== "linux")("of a process that is dead and merely not collected yet is free", async () => {
    await using folder = await createFolder();
    // The shell's child ends at once, and the shell, which became another program, never collects it.
    const shell = Bun.spawn(["/bin/sh", "-c", "sleep 0 & echo $!; exec sleep 60"], { stdout: "pipe" });
    try {
      const { value } = await shell.stdout.getReader().read();
      const pid = Number(new TextDecoder().decode(value).trim());
      const start = startOf(pid);
      while (!(await Bun.file(`/proc/${pid}/stat`).text()).includes(") Z ")) await new Promise((resolve) => setImmediate(resolve));
      await writeFile(join(folder.path, "owner.json"), JSON.stringify({ pid, start, boot: (await Bun.file("/proc/sys/kernel/random/boot_id").text()).trim() }), { mode: 0o600 });
      expect(await readOwner(folder.path)).toBeNull();
    } finally {
      shell.kill("SIGKILL");
      await shell.exited;
    }
  });
});
