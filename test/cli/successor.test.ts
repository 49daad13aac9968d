import { describe, expect, test } from "bun:test";
import { predecessorOf, successionOf } from "../../src/cli/successor.ts";
import { ensurePrivateDir, systemClock } from "../../src/base/index.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

describe("a process", () => {
  test("knows whose place it takes, if it was told in the right words", () => {
    expect(predecessorOf({ ONE_MCP_SUCCEEDS: "4711 3050" })).toEqual({ pid: 4711, port: 3050 });
    for (const text of ["", "4711", "0 3050", "4711 65536", "4711 3050 1", "-1 3050", "a b"]) expect(predecessorOf({ ONE_MCP_SUCCEEDS: text })).toBeNull();
    expect(predecessorOf({})).toBeNull();
  });
});

/** A succession whose new process is a shell script, which has `$STATE` for its state folder. */
async function stage(folder: Folder, script: string, msMax = 10_000) {
  await ensurePrivateDir(folder.at("state"));
  const stderr = keptOutput();
  const handed: number[] = [];
  const env = { PATH: process.env["PATH"], STATE: folder.at("state"), WATCHDOG_USEC: "10", WATCHDOG_PID: "1" };
  const occasion = { argv: ["serve", "--port", "0"], selfArgv: ["sh", "-c", script, "sh"], env, stderr, clock: systemClock };
  const { succeed, abandon } = successionOf({ occasion, cwd: folder.path, stateDir: folder.at("state"), url: "http://127.0.0.1:3050/mcp", handOver: (pid) => Promise.resolve(void handed.push(pid)), msMax });
  return { succeed, abandon, stderr, handed };
}

const announce = `umask 077; echo "{\\"url\\":\\"http://127.0.0.1:3050/mcp\\",\\"pid\\":$$,\\"version\\":\\"1\\",\\"startedAt\\":$(date +%s)000}" > $STATE/server.json`;

describe.skipIf(process.platform === "win32")("handing over", () => {
  test("is to the same command line in the same folder, once that is there", async () => {
    await using folder = await createFolder();
    const { succeed, stderr, handed } = await stage(folder, `echo "$* in $PWD for $ONE_MCP_SUCCEEDS watched $WATCHDOG_USEC \${WATCHDOG_PID-as itself}" > said; ${announce}; exec sleep 30`);
    const both = [succeed(), succeed()];
    await Promise.all(both);
    const [pid] = handed;
    process.kill(pid ?? 0, "SIGKILL");
    expect(handed).toHaveLength(1);
    expect(await Bun.file(folder.at("said")).text()).toBe(`serve --port 0 in ${folder.path} for ${process.pid} 3050 watched 10 as itself\n`);
    expect(stderr.text()).toBe(`1mcp starts a new process to take its place\n1mcp is handing over already\n1mcp leaves to process ${pid} what comes from now on, and ends when it has answered what is under way\n`);
  });

  test("does not happen to one that ends, and may be tried again", async () => {
    await using folder = await createFolder();
    const { succeed, stderr, handed } = await stage(folder, "exit 78");
    await succeed();
    await succeed();
    expect(handed).toEqual([]);
    expect(stderr.text().match(/goes on, for the new process is not there: it ended with 78/g)).toHaveLength(2);
  });

  test("does not happen to one that does not come up in time, which is ended", async () => {
    await using folder = await createFolder();
    const { succeed, stderr, handed } = await stage(folder, "echo $$ > pid; exec sleep 30", 300);
    await succeed();
    expect(handed).toEqual([]);
    expect(stderr.text()).toContain("it does not listen after 300 ms");
    const pid = Number(await Bun.file(folder.at("pid")).text());
    expect(pid).toBeGreaterThan(1);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test("ends with the process that is told to end: what starts beside it is ended, and waited for", async () => {
    await using folder = await createFolder();
    const { succeed, abandon, stderr, handed } = await stage(folder, "trap 'echo ended > end; exit 0' TERM; echo $$ > pid; while :; do sleep 0.01; done");
    const succession = succeed();
    while (!(await Bun.file(folder.at("pid")).exists())) await new Promise((resolve) => void setImmediate(resolve));
    await abandon();
    expect(await Bun.file(folder.at("end")).text()).toBe("ended\n");
    await succession;
    expect(handed).toEqual([]);
    expect(stderr.text()).toContain("both are told to end");
    await abandon();
  });

  test("does not happen to one that cannot be started", async () => {
    await using folder = await createFolder();
    const stderr = keptOutput();
    const occasion = { argv: [], selfArgv: [folder.at("nothing")], env: {}, stderr, clock: systemClock };
    await successionOf({ occasion, cwd: folder.path, stateDir: folder.path, url: "http://127.0.0.1/mcp", handOver: () => Promise.resolve() }).succeed();
    expect(stderr.text()).toContain("goes on, for the new process is not there");
  });
});
