import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import type { BackendState, BackendStatus } from "../../src/backend/index.ts";
import { bootOf, startOf, systemClock } from "../../src/base/index.ts";
import { claimSupervision, writeSupervision } from "../../src/cli/supervision.ts";
import { folderFindings, runningFindings } from "../../src/cli/doctorState.ts";
import { parseSettings } from "../../src/cli/flags.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { claimState } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";
import { operated } from "../fixtures/operated.ts";

function occasionOf(stateDir: string, given: Record<string, string> = {}, clock = systemClock as Occasion["clock"]): Occasion {
  const parsed = parseSettings(new Map(Object.entries({ "state-dir": stateDir, port: "0", ...given })), {});
  return { settings: parsed.ok ? parsed.settings : null, env: {}, clock } as unknown as Occasion;
}

describe.skipIf(process.platform === "win32")("the state folder", () => {
  test("is closed to others, with all that is in it but sockets and links", async () => {
    await using folder = await createFolder();
    const stateDir = folder.at("state");
    expect(await folderFindings(occasionOf(stateDir))).toEqual([]);
    await mkdir(stateDir);
    await writeFile(folder.at("state", "token"), "x");
    await symlink("/", folder.at("state", "link"));
    for (const path of [stateDir, folder.at("state", "token")]) await chmod(path, 0o755);
    const findings = await folderFindings(occasionOf(stateDir));
    expect(findings.map(({ mend }) => mend)).toEqual([`chmod 700 ${stateDir}`, `chmod 600 ${folder.at("state", "token")}`]);
    for (const { fix } of findings) await fix?.();
    expect([(await stat(stateDir)).mode & 0o777, (await stat(folder.at("state", "token"))).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(await folderFindings(occasionOf(stateDir))).toEqual([]);
  });

  test.skipIf(process.platform !== "linux")("is tried, since a disk that is full or may only be read shows by that alone; nothing is left of it", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    expect([await folderFindings(occasionOf(folder.path)), await readdir(folder.path)]).toEqual([[], []]);
    // Nobody, whatever he may, can make a file there.
    const refused = (await folderFindings(occasionOf("/proc/self/task"))).find(({ message }) => message.includes("cannot be written"));
    expect(refused).toMatchObject({ check: "permissions", level: "error", mend: "ls -ld /proc/self/task && df /proc/self/task", fix: null });
  });

  test("shows by its files when the clock is wrong", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    await writeFile(folder.at("token"), "x", { mode: 0o600 });
    const later = new Date(systemClock.now() + 3_600_000);
    await utimes(folder.at("token"), later, later);
    expect(await folderFindings(occasionOf(folder.path))).toMatchObject([{ check: "clock", level: "error", message: expect.stringContaining("still to come") }]);
    expect(await folderFindings(occasionOf(folder.at("none"), {}, createTestClock({ now: Date.UTC(1970, 0, 2) })))).toMatchObject([{ check: "clock", message: expect.stringContaining("1970-01-02") }]);
  });
});

describe("where no server runs", () => {
  test("the port must be free, and who has it is told apart", async () => {
    await using folder = await createFolder();
    for (const [body, who] of [['{"status":"ok"}', "a 1mcp server of another state folder"], ["hello", "another program"]] as const) {
      await using other = { server: Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body) }), [Symbol.asyncDispose]: () => Promise.resolve() };
      const port = other.server.port ?? 0;
      expect(await runningFindings(occasionOf(folder.path, { port: String(port) }), null)).toMatchObject([{ check: "port", level: "error", message: `${who} listens on 127.0.0.1:${port}`, mend: `1mcp serve --port ${port + 1}` }]);
      await other.server.stop(true);
    }
    // One that was never asked: a kept connection would tell of who listened there before.
    const free = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
    await free.stop(true);
    expect(await runningFindings(occasionOf(folder.path, { port: String(free.port), host: "127.0.0.1" }), null)).toEqual([]);
    expect(await runningFindings(occasionOf(folder.path), null)).toEqual([]);
  });

  test.skipIf(process.platform !== "linux")("servers that a killed proxy left are told of, and can be ended", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    const life = "28a1700d5cc4494782dced70d48c4d5d";
    await using child = Bun.spawn(["sleep", "1000"], { detached: true, env: { PATH: process.env["PATH"], ONE_MCP_LIFE: life } });
    await mkdir(folder.at("children"), { mode: 0o700 });
    await writeFile(folder.at("children", `${life}.json`), JSON.stringify({ life, boot: await bootOf(), pid: 2 ** 30, start: 1, children: [{ pid: child.pid, start: startOf(child.pid), server: "a" }] }), { mode: 0o600 });
    const findings = await runningFindings(occasionOf(folder.path), null);
    expect(findings).toMatchObject([{ check: "orphans", level: "error", message: `servers of a proxy that was killed still run: process ${child.pid}`, mend: "1mcp doctor --fix" }]);
    expect(await findings[0]?.fix?.()).toBe("they were ended");
    await child.exited;
    expect(await runningFindings(occasionOf(folder.path), null)).toEqual([]);
  });

  test("a supervisor that has given up is told of", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    const claim = await claimSupervision({ stateDir: folder.path, clock: systemClock });
    await writeSupervision(folder.path, { phase: "crash-loop", worker: null, restarts: 5, retryAt: null, lastExit: "it ended with 1", flags: [] });
    expect(await runningFindings(occasionOf(folder.path), null)).toMatchObject([{ check: "supervisor", level: "error", message: expect.stringContaining("fell 6 times in a row and was given up: it ended with 1"), mend: "1mcp serve --restart" }]);
    await claim.release();
  });
});

const serverOf = (name: string, state: BackendState, more: Partial<BackendStatus> = {}): BackendStatus => ({ name, state, since: 0, retryAt: null, lastError: null, breaker: "closed", lists: null, pid: null, reason: null, stderr: [], restarts: 0, retried: 0, inFlight: 0, revision: null, ...more });

describe("where a server runs", () => {
  test("its servers and logins are looked at, and its missing supervisor", async () => {
    const logins = [["gone", "logged-in", 1, false], ["renewed", "logged-in", 1, true], ["lasting", "logged-in", null, false], ["out", "logged-out", 1, false]].map(([server, state, expiresAt, renews]) => ({ server, owner: "operator", state, issuer: null, scopes: [], gotAt: 0, expiresAt, renews }));
    await using server = await operated({ backends: [serverOf("good", "ready"), serverOf("off", "disabled"), serverOf("new", "starting"), serverOf("bad one", "backing-off", { reason: "it ended with 1" }), serverOf("lost", "needs-login"), serverOf("odd", "misconfigured", { lastError: { message: "no URL", at: 0 } }), serverOf("mute", "stopped")] }, undefined, { actions: [{ method: "GET", path: "/logins", run: () => ({ logins }) }] });
    const claim = await claimState({ stateDir: server.stateDir, clock: systemClock, takeover: false });
    const supervision = await claimSupervision({ stateDir: server.stateDir, clock: systemClock });
    await writeSupervision(server.stateDir, { phase: "running", worker: process.pid, restarts: 0, retryAt: null, lastExit: null, flags: [] });
    await supervision.release();
    const findings = await runningFindings(occasionOf(server.stateDir), null);
    expect(findings.map(({ check, level, mend }) => [check, level, mend])).toEqual([
      ["supervisor", "warning", "1mcp serve --restart"],
      ["servers", "error", "1mcp status 'bad one'"],
      ["logins", "error", "1mcp auth login lost"],
      ["servers", "error", "1mcp status odd"],
      ["servers", "error", "1mcp status mute"],
      ["logins", "error", "1mcp auth login gone"],
    ]);
    expect(findings.map(({ message }) => message).join("\n")).toContain("bad one is backing-off: it ended with 1");
    await server.close();
    expect(await runningFindings(occasionOf(server.stateDir), null)).toContainEqual(expect.objectContaining({ check: "servers", mend: "1mcp serve --restart" }));
    await claim.release();
  });
});
