import { describe, expect, test } from "bun:test";
import { ptr } from "bun:ffi";
import { filterOf, loadConfiner, resources, terminated } from "../../src/base/confine.ts";

type Answers = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

/** The system's library as it would be asked: what is done here cannot be undone, and this process has more to do. */
function system(answers: Answers = {}, errno = 13) {
  const asked: (readonly unknown[])[] = [];
  const usual: Answers = { syscall: (number) => (number === 444 ? 7 : 0), prctl: () => 0, getrlimit: () => 0, setrlimit: () => 0, open: () => 9, close: () => 0, fcntl: () => 0, signal: () => 0, sigprocmask: () => 0, execve: () => -1, __errno_location: () => 0 };
  const symbols = Object.fromEntries(Object.entries({ ...usual, ...answers }).map(([name, answer]) => [name, (...args: unknown[]) => (asked.push([name, ...args]), answer(...args))]));
  const load = async () => ({ dlopen: () => ({ symbols }), ptr, read: { i32: () => errno } }) as never;
  return { asked, load, of: (name: string) => asked.filter(([one]) => one === name) };
}

const confinerWith = async (load: Parameters<typeof loadConfiner>[1]) => {
  const confiner = await loadConfiner("linux", load);
  if (confiner === null) throw new Error("there is none");
  return confiner;
};

test("elsewhere than on Linux, and where the library cannot be had, there is nothing to confine with", async () => {
  expect(await loadConfiner("darwin")).toBeNull();
  expect(await loadConfiner("linux", () => Promise.reject(new Error("forbidden")))).toBeNull();
});

test.skipIf(process.platform !== "linux")("the real one says what the system can do", async () => {
  const confiner = await confinerWith(undefined);
  expect(confiner.landlock).toBeGreaterThanOrEqual(0);
  expect(confiner.filters).toBe(["x64", "arm64"].includes(process.arch));
});

test("bounds, no new rights, files and calls are asked for in this order, and all went well", async () => {
  const { load, asked, of } = system();
  const confiner = await confinerWith(load);
  const files = [["/usr", "read"], ["/dev/null", "write"], ["/no/such/folder", "write"]] as const;
  expect(confiner.confine({ bounds: [[resources.coreBytes, 0], [resources.openFiles, 100]], files, isStrict: true })).toEqual([]);
  expect(asked.filter(([name, number]) => name !== "prctl" || number !== 24).map(([name, number]) => (name === "syscall" || name === "prctl" ? number : name))).toEqual([444, "getrlimit", "setrlimit", "getrlimit", "setrlimit", 38, 444, "open", 445, "close", "open", 445, "close", 446, "close", 22]);
  expect(of("setrlimit").map(([, resource]) => resource)).toEqual([resources.coreBytes, resources.openFiles]);
});

test("what the system refuses is said, each thing by itself", async () => {
  const all = { bounds: [[resources.coreBytes, 0]] as const, files: [["/", "read"]] as const, isStrict: true };
  expect((await confinerWith(system({ getrlimit: () => -1, prctl: () => -1, syscall: (number) => (number === 444 ? 7 : -1) }, 22).load)).confine(all)).toEqual(["resource 4: error 22", "no new rights: error 22", "files: error 22", "calls: error 22"]);
  expect((await confinerWith(system({ setrlimit: () => -1, syscall: () => -1 }, 1).load)).confine({ ...all, isStrict: false })).toEqual(["resource 4: error 1", "files: error 1"]);
  expect((await confinerWith(system({ open: () => -1 }).load)).confine({ ...all, isStrict: false })).toEqual([]);
});

test("a bound is never raised", async () => {
  const { load, of } = system();
  (await confinerWith(load)).confine({ bounds: [[resources.openFiles, 4096]], files: null, isStrict: false });
  expect(of("setrlimit").length).toBe(1);
});

test("before it becomes the program, signals are as at the beginning and its own files are closed; an error is given back", async () => {
  const { load, asked } = system({}, 2);
  expect((await confinerWith(load)).become("/no/such", [terminated("a")], [terminated("B=c")])).toBe(2);
  const names = asked.map(([name]) => name).filter((name) => name !== "signal" && name !== "fcntl");
  expect(names).toEqual(["syscall", "sigprocmask", "syscall", "execve", "__errno_location"]);
});

test("streams that do not wait are set to wait again, with all else that was set; others are left alone", async () => {
  const { load, of } = system({ fcntl: (stream, what) => (what === 4 ? 0 : stream === 0 ? -1 : stream === 1 ? 0o4002 : 0o2) });
  (await confinerWith(load)).become("/no/such", [], []);
  expect(of("fcntl").filter(([, , what]) => what === 4)).toEqual([["fcntl", 1, 4, 0o2n]]);
});

describe("the filter of calls", () => {
  const holds = (code: number, value: number, k: number): boolean => (code === 0x15 ? value === k : code === 0x35 ? value >= k : (value & k) !== 0);

  /** Runs it as the system would. */
  function answer(arch: string, { arch: saw, nr, arg0 = 0 }: { arch: number; nr: number; arg0?: number }): number {
    const bytes = filterOf(arch);
    if (bytes === null) throw new Error("there is none");
    const view = new DataView(bytes.buffer);
    const data = new Map([[0, nr], [4, saw], [16, arg0]]);
    let value = 0;
    for (let at = 0; ; at += 1) {
      const [code, isTrue, isFalse, k] = [view.getUint16(at * 8, true), view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3), view.getUint32(at * 8 + 4, true)];
      if (code === 0x06) return k;
      if (code === 0x20) value = data.get(k) ?? Number.NaN;
      else at += holds(code, value, k) ? isTrue : isFalse;
    }
  }
  const [allow, refused, missing] = [0x7fff0000, 0x00050001, 0x00050026];
  const processors = [["x64", 0xc000003e, { read: 0, ptrace: 101, mount: 165, bpf: 321, unshare: 272, last: 442, clone: 56 }], ["arm64", 0xc00000b7, { read: 63, ptrace: 117, mount: 40, bpf: 280, unshare: 97, last: 442, clone: 220 }]] as const;

  test.each(processors)("on %s lets through what programs need and refuses what none does", (name, arch, numbers) => {
    expect(answer(name, { arch, nr: numbers.read })).toBe(allow);
    for (const nr of [numbers.ptrace, numbers.mount, numbers.bpf, numbers.unshare, numbers.last]) expect(answer(name, { arch, nr })).toBe(refused);
    // A new thread is fine, a new namespace of users is not, and the call whose arguments cannot be seen is not there.
    expect(answer(name, { arch, nr: numbers.clone, arg0: 0x50f00 })).toBe(allow);
    expect(answer(name, { arch, nr: numbers.clone, arg0: 0x10000000 })).toBe(refused);
    expect(answer(name, { arch, nr: 435 })).toBe(missing);
    expect(answer(name, { arch, nr: 0x40000000 + numbers.read })).toBe(refused);
    expect(answer(name, { arch: 0x40000003, nr: numbers.read })).toBe(refused);
  });

  test("is not there for a processor whose numbers are not known", () => expect(filterOf("riscv64")).toBeNull());
});
