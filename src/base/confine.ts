/**
 * What a process does to itself, through the system's C library, before it becomes another program: bounds, no new
 * rights, no files but named ones (Landlock), no dangerous calls (seccomp), then the program in its place. All of it
 * holds for the calling thread and what is made of it, so it is done and followed by `become` in one go. Linux alone,
 * glibc and musl alike.
 */
import { readFileSync, statSync } from "node:fs";

/** What of it is wanted. */
export interface Confinement {
  /** Resources by their number, and how much of each. */
  readonly bounds: readonly (readonly [resource: number, value: number])[];
  /** Of files only these, "read" with what is under them, or "write"; null: all. */
  readonly files: readonly (readonly [path: string, mode: "read" | "write"])[] | null;
  /** Neither TCP, nor signals and abstract sockets of others, nor calls that trace, mount, or make namespaces. */
  readonly isStrict: boolean;
}

/** The numbers of resources (getrlimit(2)), the same on the processors we are built for. */
export const resources = Object.freeze({ cpuSeconds: 0, fileBytes: 1, memoryBytes: 2, coreBytes: 4, processes: 6, openFiles: 7 });

/** The calls. */
export interface Confiner {
  /** The system's version of Landlock; 0: it has none. */
  readonly landlock: number;
  /** Whether calls can be kept from a program here. */
  readonly filters: boolean;
  /** Does it, and gives what could not be done, in words. */
  confine(wanted: Confinement): readonly string[];
  /** Becomes the program; null-terminated texts as bytes. Returns only where that failed, with the system's error number. */
  become(file: string, argv: readonly Uint8Array[], env: readonly Uint8Array[]): number;
}

// musl takes every such name for itself.
const libcName = "libc.so.6";

/** Loads them; null where there are none. `load` is for tests that must not do it to themselves. */
export async function loadConfiner(platform: string = process.platform, load: () => Promise<Ffi> = () => import("bun:ffi")): Promise<Confiner | null> {
  if (platform !== "linux") return null;
  try {
    const { dlopen, ptr, read } = await load();
    const { symbols } = dlopen(libcName, {
      syscall: { args: ["i64", "u64", "u64", "u64", "u64", "u64"], returns: "i64" },
      prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
      getrlimit: { args: ["i32", "ptr"], returns: "i32" },
      setrlimit: { args: ["i32", "ptr"], returns: "i32" },
      open: { args: ["ptr", "i32", "i32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
      fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
      signal: { args: ["i32", "usize"], returns: "usize" },
      sigprocmask: { args: ["i32", "ptr", "usize"], returns: "i32" },
      execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
      __errno_location: { args: [], returns: "ptr" },
    });
    const calls = symbols as unknown as Calls;
    return new LinuxConfiner(calls, ptr, () => read.i32(calls.__errno_location() as never, 0));
  } catch {
    // A system without this library, or one that forbids to load it: who asked says what that means.
    return null;
  }
}

type Ffi = Pick<typeof import("bun:ffi"), "dlopen" | "ptr" | "read">;
type Call = (...args: readonly unknown[]) => unknown;
type Calls = Readonly<Record<"syscall" | "prctl" | "getrlimit" | "setrlimit" | "open" | "close" | "fcntl" | "signal" | "sigprocmask" | "execve" | "__errno_location", Call>>;

const setNoNewPrivs = 38;
const setSeccomp = 22;
const filterMode = 2n;
const dropRight = 24;
const lastRight = 63;
// Owners and modes of files, users and groups, signals, low ports (capabilities(7)); who has none of them loses none.
const usualRights: readonly number[] = Object.freeze([0, 1, 2, 3, 4, 5, 6, 7, 10]);
// These numbers are the same on every processor.
const call = Object.freeze({ createRuleset: 444, addRule: 445, restrictSelf: 446, closeRange: 436 });
const versionFlag = 1n;
const pathRule = 1n;
const openPath = 0o10000000 | 0o2000000; // O_PATH, O_CLOEXEC
const closeOnExec = 4n;
const flags = Object.freeze({ get: 3, set: 4, nonBlocking: 0o4000 });

// Rights to files (landlock(7)): all of the first version, moving between folders since 2, truncating since 3.
const rightsOf = (version: number): bigint => 0x1fffn | (version >= 2 ? 1n << 13n : 0n) | (version >= 3 ? 1n << 14n : 0n);
const toRead = 0b1101n; // execute, read a file, list a folder
const ofFiles = 0b111n | (1n << 14n); // what can be allowed of a file: execute, write, read, truncate
const tcpSince = 4;
const scopesSince = 6;
const both = 3n; // bind and connect; abstract sockets and signals

class LinuxConfiner implements Confiner {
  readonly landlock: number;
  readonly filters = filterOf(process.arch) !== null;
  readonly #calls: Calls;
  readonly #ptr: (bytes: Uint8Array) => unknown;
  readonly #errno: () => number;

  constructor(calls: Calls, ptr: (bytes: never) => unknown, errno: () => number) {
    this.#calls = calls;
    this.#ptr = ptr as (bytes: Uint8Array) => unknown;
    this.#errno = errno;
    this.landlock = Math.max(0, this.#system(call.createRuleset, 0n, 0n, versionFlag));
  }

  confine({ bounds, files, isStrict }: Confinement): readonly string[] {
    const problems = [
      ...bounds.map(([resource, value]) => this.#bound(resource, value)),
      this.#calls.prctl(setNoNewPrivs, 1n, 0n, 0n, 0n) === 0 ? null : `no new rights: error ${this.#errno()}`,
      files === null ? null : this.#restrict(files, isStrict),
      isStrict ? this.#filter() : null,
    ];
    return problems.filter((problem) => problem !== null);
  }

  become(file: string, argv: readonly Uint8Array[], env: readonly Uint8Array[]): number {
    this.#resetSignals();
    for (const stream of [0, 1, 2]) this.#block(stream);
    this.#system(call.closeRange, 3n, 0xffff_ffffn, closeOnExec);
    const path = terminated(file);
    const [args, variables] = [this.#list(argv), this.#list(env)];
    this.#calls.execve(this.#ptr(path), this.#ptr(args), this.#ptr(variables));
    return this.#errno();
  }

  #system(number: number, ...args: readonly bigint[]): number {
    return Number(this.#calls.syscall(number, ...[...args, 0n, 0n, 0n, 0n, 0n].slice(0, 5)));
  }

  // Never more than there was: only the mightiest could, and nobody means it.
  #bound(resource: number, value: number): string | null {
    const pair = new BigUint64Array(2);
    const bytes = new Uint8Array(pair.buffer);
    if (this.#calls.getrlimit(resource, this.#ptr(bytes)) !== 0) return `resource ${resource}: error ${this.#errno()}`;
    const [, hard = 0n] = pair;
    pair.fill(BigInt(value) < hard ? BigInt(value) : hard);
    return this.#calls.setrlimit(resource, this.#ptr(bytes)) === 0 ? null : `resource ${resource}: error ${this.#errno()}`;
  }

  // Rights of the mightiest user that look into other processes, or past any rule for files, go before the rules come.
  #humble(): void {
    for (let right = 0; right <= lastRight; right += 1) if (!usualRights.includes(right)) this.#calls.prctl(dropRight, BigInt(right), 0n, 0n, 0n);
  }

  #restrict(files: NonNullable<Confinement["files"]>, isStrict: boolean): string | null {
    this.#humble();
    const rights = rightsOf(this.landlock);
    const strictly = (since: number): bigint => (isStrict && this.landlock >= since ? both : 0n);
    const wanted = new BigUint64Array([rights, strictly(tcpSince), strictly(scopesSince)]);
    const ruleset = this.landlock === 0 ? -1 : this.#system(call.createRuleset, this.#at(wanted), 24n, 0n);
    if (ruleset < 0) return `files: error ${this.#errno()}`;
    for (const [path, mode] of files) this.#allow(ruleset, path, mode === "read" ? toRead : rights);
    const done = this.#system(call.restrictSelf, BigInt(ruleset), 0n);
    this.#calls.close(ruleset);
    return done === 0 ? null : `files: error ${this.#errno()}`;
  }

  // What is not there, or is not ours to see, needs no rule.
  #allow(ruleset: number, path: string, rights: bigint): void {
    const found = statSync(path, { throwIfNoEntry: false });
    const descriptor = found === undefined ? -1 : Number(this.#calls.open(this.#ptr(terminated(path)), openPath, 0));
    if (descriptor < 0) return;
    const rule = new Uint8Array(16);
    const view = new DataView(rule.buffer);
    view.setBigUint64(0, found?.isDirectory() === true ? rights : rights & ofFiles, true);
    view.setInt32(8, descriptor, true);
    this.#system(call.addRule, BigInt(ruleset), pathRule, this.#at(rule), 0n);
    this.#calls.close(descriptor);
  }

  #filter(): string | null {
    const program = filterOf(process.arch);
    if (program === null) return "calls: this processor's are not known";
    const header = new BigUint64Array([BigInt(program.length / 8), this.#at(program)]);
    return this.#calls.prctl(setSeccomp, filterMode, this.#at(header), 0n, 0n) === 0 ? null : `calls: error ${this.#errno()}`;
  }

  // What is ignored stays so in the next program, and our runtime ignores some; what is caught does not.
  #resetSignals(): void {
    const ignored = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0"}`);
    for (let signal = 1; signal <= 64; signal += 1) if ((ignored >> BigInt(signal - 1)) & 1n) this.#calls.signal(signal, 0);
    this.#calls.sigprocmask(2, this.#ptr(new Uint8Array(128)), 0);
  }

  // Our runtime writes to streams that do not wait, and what is set so stays so in the next program. Few programs can do
  // that: they would lose what does not fit into the pipe at once.
  #block(stream: number): void {
    const now = Number(this.#calls.fcntl(stream, flags.get, 0n));
    if (now >= 0 && (now & flags.nonBlocking) !== 0) this.#calls.fcntl(stream, flags.set, BigInt(now & ~flags.nonBlocking));
  }

  readonly #at = (bytes: Uint8Array | BigUint64Array): bigint => BigInt(this.#ptr(bytes as Uint8Array) as number);

  #list(texts: readonly Uint8Array[]): Uint8Array {
    const all = new BigUint64Array(texts.length + 1);
    for (const [index, text] of texts.entries()) all[index] = this.#at(text);
    return new Uint8Array(all.buffer);
  }
}

/** A text as the system's library wants it. */
export const terminated = (text: string): Uint8Array => Buffer.from(`${text}\0`);

/** What no server needs, by the numbers of each processor. */
interface Denied {
  readonly arch: number;
  readonly calls: readonly number[];
  readonly clone: number;
}

// In this order: ptrace, mount, umount2, swapon, reboot, pivot_root, chroot, init_module, finit_module, delete_module,
// kexec_load, kexec_file_load, bpf, perf_event_open, userfaultfd, add_key, request_key, keyctl, process_vm_readv,
// process_vm_writev, unshare, setns, open_by_handle_at; then those with one number everywhere: io_uring_setup,
// open_tree, move_mount, fsopen, fsmount, pidfd_getfd, mount_setattr.
const everywhere = Object.freeze([425, 428, 429, 430, 432, 438, 442]);
const denied: Readonly<Record<string, Denied>> = Object.freeze({
  x64: { arch: 0xc000_003e, clone: 56, calls: Object.freeze([101, 165, 166, 167, 169, 155, 161, 175, 313, 176, 246, 320, 321, 298, 323, 248, 249, 250, 310, 311, 272, 308, 304, ...everywhere]) },
  arm64: { arch: 0xc000_00b7, clone: 220, calls: Object.freeze([117, 40, 39, 224, 142, 41, 51, 105, 273, 106, 104, 294, 280, 241, 282, 217, 218, 219, 270, 271, 97, 268, 265, ...everywhere]) },
});

const op = Object.freeze({ load: 0x20, isEqual: 0x15, isAtLeast: 0x35, hasBits: 0x45, answer: 0x06 });
const allow = 0x7fff_0000;
const failWith = (error: number): number => 0x0005_0000 | error;
const notPermitted = 1;
const notThere = 38;
const clone3 = 435;
const newUser = 0x1000_0000;
const otherNumbers = 0x4000_0000;

type Step = readonly [code: number, isTrue: number, isFalse: number, value: number];

/** The filter as the system reads it (seccomp(2)): a list of steps of eight bytes; null for an unknown processor. */
export function filterOf(arch: string): Uint8Array | null {
  const known = denied[arch];
  if (known === undefined) return null;
  const { calls, clone } = known;
  // The answers stand at the end: allow, not permitted, not there. Jumps count from the step after.
  const checks = calls.length;
  const steps: Step[] = [
    [op.load, 0, 0, 4],
    [op.isEqual, 0, checks + 7, known.arch],
    [op.load, 0, 0, 0],
    // A second set of numbers for the same calls.
    [op.isAtLeast, checks + 5, 0, otherNumbers],
    ...calls.map((number, index): Step => [op.isEqual, checks - index + 4, 0, number]),
    // Its arguments cannot be seen; who is told that it is not there uses the older one.
    [op.isEqual, 5, 0, clone3],
    [op.isEqual, 0, 2, clone],
    [op.load, 0, 0, 16],
    [op.hasBits, 1, 0, newUser],
    [op.answer, 0, 0, allow],
    [op.answer, 0, 0, failWith(notPermitted)],
    [op.answer, 0, 0, failWith(notThere)],
  ];
  const bytes = new Uint8Array(steps.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, isTrue, isFalse, value]] of steps.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, isTrue);
    view.setUint8(index * 8 + 3, isFalse);
    view.setUint32(index * 8 + 4, value, true);
  }
  return bytes;
}
