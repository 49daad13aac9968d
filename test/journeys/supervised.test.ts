/** The program under a service manager: what it hears of us, on a real socket, from source and from the executable. */
import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { receiveDatagrams } from "../fixtures/datagrams.ts";
import { projectDir, startProgram, temporaryDir } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const backend = { command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts")] };

describe.skipIf(process.platform !== "linux")("the service manager", () => {
  test("hears that we listen, how the servers are, that we live, each reload, and the end", async () => {
    await using dir = await temporaryDir();
    const path = join(dir.path, "notify");
    await using datagrams = await receiveDatagrams(path);
    await using program = await startProgram({ config: { mcpServers: { one: backend, two: { ...backend, args: [...backend.args, "--crash"] } } }, env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "400000" } });
    expect(await datagrams.said("READY=1")).toMatch(new RegExp(`^READY=1\nMAINPID=${program.pid}\nSTATUS=servers ready: \\d/2`, "u"));
    await datagrams.said("servers ready: 1/2; not ready: two (");
    await datagrams.said("WATCHDOG=1");
    const before = datagrams.all().length;
    program.signal("SIGHUP");
    const reloading = await datagrams.said("RELOADING=1", before);
    const [uptime = ""] = (await readFile("/proc/uptime", "utf8")).split(" ");
    expect(Math.abs(Number(/MONOTONIC_USEC=(\d+)/u.exec(reloading)?.[1]) / 1e6 - Number(uptime))).toBeLessThan(60);
    await datagrams.said("READY=1\nSTATUS=", before);
    program.signal("SIGTERM");
    await datagrams.said("STOPPING=1");
    expect(await program.exited).toBe(0);
    expect(datagrams.all().at(-1)).toStartWith("STOPPING=1");
  });

  test("is heard at an abstract name too, and its words to us go to no server, whatever that may inherit", async () => {
    const path = `@1mcp-test-${process.pid}-journey`;
    await using datagrams = await receiveDatagrams(path);
    await using program = await startProgram({ config: { mcpServers: { one: { ...backend, inheritParentEnv: true } } }, env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "60000000", HANDED: "down" } });
    await datagrams.said("READY=1");
    const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name: "one__pid", params: '"name":"one__pid","arguments":{}' });
    const pid = /"text":"(\d+)"/u.exec(sent.text)?.[1];
    const environment = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0");
    expect(environment).toContain("HANDED=down");
    expect(environment.filter((one) => /^(NOTIFY|WATCHDOG)_/u.test(one))).toEqual([]);
  });

  test("that watches another process, or hangs up on us, changes nothing", async () => {
    await using program = await startProgram({ config: { mcpServers: {} }, env: { NOTIFY_SOCKET: "/nowhere/notify", WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" } });
    expect((await fetch(`${program.origin}/health`)).status).toBe(200);
    expect(program.stderr()).not.toContain("sign of life");
  });
});
