import { describe, expect, test } from "bun:test";
import { type Libc, loadLibc } from "../../src/base/libc.ts";
import { receiveDatagrams } from "../fixtures/datagrams.ts";
import { createFolder } from "../fixtures/folder.ts";

const ifLinux = describe.skipIf(process.platform !== "linux");

async function loaded(): Promise<Libc> {
  const libc = await loadLibc();
  if (libc === null) throw new Error("there is no C library here");
  return libc;
}

test("elsewhere there is none", async () => {
  expect(await loadLibc("darwin")).toBeNull();
  expect(await loadLibc("win32")).toBeNull();
});

ifLinux("the system's library", () => {
  test("sends datagrams to a path and to an abstract name", async () => {
    await using folder = await createFolder();
    const libc = await loaded();
    for (const path of [folder.at("notify"), `@1mcp-test-${process.pid}`]) {
      await using datagrams = await receiveDatagrams(path);
      expect(libc.sendDatagram(path, "READY=1\nSTATUS=größer")).toBeTrue();
      expect(await datagrams.said("READY")).toBe("READY=1\nSTATUS=größer");
    }
  });

  test("says when nobody took it, and when nobody could", async () => {
    await using folder = await createFolder();
    const libc = await loaded();
    expect(libc.sendDatagram(folder.at("nobody"), "a")).toBeFalse();
    expect(libc.sendDatagram(`/${"a".repeat(108)}`, "a")).toBeFalse();
    for (const path of ["", "@", "relative", "vsock:2:1"]) expect(libc.sendDatagram(path, "a")).toBeFalse();
  });

  test("leaves no socket open", async () => {
    const libc = await loaded();
    const before = await open();
    for (let times = 0; times < 100; times += 1) libc.sendDatagram("@nobody-is-there", "a");
    expect(await open()).toBe(before);
  });

  test("knows the clock that goes on whatever the date does", async () => {
    const libc = await loaded();
    const uptime = Number((await Bun.file("/proc/uptime").text()).split(" ")[0]) * 1e6;
    const first = libc.monotonicUs();
    expect(Math.abs(Number(first) - uptime)).toBeLessThan(5e6);
    expect(libc.monotonicUs()).toBeGreaterThanOrEqual(first);
  });

  test("gives all connections to the younger of two listeners, and to the one that is left", async () => {
    const libc = await loaded();
    const listen = (name: string, port: number) => Bun.serve({ hostname: "127.0.0.1", port, reusePort: true, fetch: () => new Response(name) });
    const first = listen("first", 0);
    const port = first.port ?? 0;
    const asked = async (times: number): Promise<string[]> => {
      const names = new Set<string>();
      for (let time = 0; time < times; time += 1) names.add(await (await fetch(`http://127.0.0.1:${port}`, { keepalive: false, headers: { Connection: "close" } })).text());
      return [...names].sort();
    };
    expect(libc.preferYounger(port)).toBeTrue();
    expect(await asked(20)).toEqual(["first"]);
    const second = listen("second", port);
    expect(await asked(50)).toEqual(["second"]);
    await first.stop(true);
    expect(await asked(20)).toEqual(["second"]);
    const third = listen("third", port);
    expect(libc.preferYounger(port)).toBeTrue();
    expect(await asked(50)).toEqual(["third"]);
    await Promise.all([second.stop(true), third.stop(true)]);
    expect(libc.preferYounger(port)).toBeFalse();
  });
});

const open = async (): Promise<number> => (await Array.fromAsync(new Bun.Glob("*").scan({ cwd: "/proc/self/fd", onlyFiles: false }))).length;
