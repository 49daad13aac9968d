/**
 * The few calls to the system's C library for which the runtime has no words: a datagram to a unix socket, the clock that
 * service managers count with, and which of several listeners on one port gets the next connection. Loaded only by who
 * needs one of them; Linux alone, glibc and musl alike.
 */
import { readdirSync } from "node:fs";

/** The calls. None of them waits, none throws. */
export interface Libc {
  /** Sends one datagram; a path that begins with @ is an abstract name. False: it was not taken. */
  sendDatagram(path: string, text: string): boolean;
  /** CLOCK_MONOTONIC in microseconds. */
  monotonicUs(): bigint;
  /**
   * Of two listeners that share `port`, one of them ours, the younger one gets all connections from now on, and what
   * waits at ours stays ours: so ours can be closed with nobody waiting at it. False: they are spread over both as before.
   */
  preferYounger(port: number): boolean;
}

// musl takes every such name for itself.
const libcName = "libc.so.6";

const afUnix = 1;
const sockDatagram = 2 | 0o2000000; // SOCK_DGRAM, SOCK_CLOEXEC
const sendFlags = 0x40 | 0x4000; // MSG_DONTWAIT, MSG_NOSIGNAL
const pathBytesMax = 108;
const solSocket = 1;
const soAcceptConn = 30;
const soAttachReusePortCbpf = 51;
const clockMonotonic = 1;

/** Loads the calls; null where there are none. */
export async function loadLibc(platform: string = process.platform): Promise<Libc | null> {
  if (platform !== "linux") return null;
  try {
    const { dlopen, ptr } = await import("bun:ffi");
    const { symbols } = dlopen(libcName, {
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      sendto: { args: ["i32", "ptr", "usize", "i32", "ptr", "u32"], returns: "i64" },
      close: { args: ["i32"], returns: "i32" },
      clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
      getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
      getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    });
    return new LinuxLibc(symbols, ptr);
  } catch {
    // A system without this library, or one that forbids to load it: who asked says what that means for him.
    return null;
  }
}

type Call = (...args: readonly unknown[]) => unknown;
type Calls = Readonly<Record<"socket" | "sendto" | "close" | "clock_gettime" | "getsockopt" | "getsockname" | "setsockopt", Call>>;

class LinuxLibc implements Libc {
  readonly #calls: Calls;
  readonly #ptr: (bytes: Uint8Array) => unknown;

  constructor(calls: unknown, ptr: (bytes: Uint8Array) => unknown) {
    this.#calls = calls as Calls;
    this.#ptr = ptr;
  }

  sendDatagram(path: string, text: string): boolean {
    const address = addressOf(path);
    if (address === null) return false;
    const bytes = new TextEncoder().encode(text);
    const socket = Number(this.#calls.socket(afUnix, sockDatagram, 0));
    if (socket < 0) return false;
    const sent = Number(this.#calls.sendto(socket, this.#ptr(bytes), bytes.length, sendFlags, this.#ptr(address), address.length));
    this.#calls.close(socket);
    return sent === bytes.length;
  }

  monotonicUs(): bigint {
    const time = new Uint8Array(16);
    this.#calls.clock_gettime(clockMonotonic, this.#ptr(time));
    const view = new DataView(time.buffer);
    return view.getBigInt64(0, true) * 1_000_000n + view.getBigInt64(8, true) / 1000n;
  }

  preferYounger(port: number): boolean {
    const socket = this.#listenerOn(port);
    if (socket === null) return false;
    // One instruction, "return 1": the second listener in the order of their ages. Alone, ours has no second, and gets all.
    const instruction = new Uint8Array([6, 0, 0, 0, 1, 0, 0, 0]);
    const program = new Uint8Array(16);
    const view = new DataView(program.buffer);
    view.setUint16(0, 1, true);
    view.setBigUint64(8, BigInt(this.#ptr(instruction) as number), true);
    return this.#calls.setsockopt(socket, solSocket, soAttachReusePortCbpf, this.#ptr(program), program.length) === 0;
  }

  /** Our own socket that listens on a port: the runtime does not tell its number. */
  #listenerOn(port: number): number | null {
    for (const name of readdirSync("/proc/self/fd")) {
      if (this.#listens(Number(name)) && this.#portOf(Number(name)) === port) return Number(name);
    }
    return null;
  }

  #listens(socket: number): boolean {
    const [value, length] = [new Uint8Array(4), sizeOf(4)];
    return this.#calls.getsockopt(socket, solSocket, soAcceptConn, this.#ptr(value), this.#ptr(length)) === 0 && value[0] === 1;
  }

  #portOf(socket: number): number {
    const [address, length] = [new Uint8Array(128), sizeOf(128)];
    this.#calls.getsockname(socket, this.#ptr(address), this.#ptr(length));
    // Behind the family, in the order of the network, for both families of the internet.
    const isInternet = address[0] === 2 || address[0] === 10;
    return isInternet ? new DataView(address.buffer).getUint16(2, false) : 0;
  }
}

const sizeOf = (bytes: number): Uint8Array => new Uint8Array([bytes, 0, 0, 0]);

function addressOf(path: string): Uint8Array | null {
  const name = new TextEncoder().encode(path);
  if (!/^[/@]./.test(path) || name.length >= pathBytesMax) return null;
  // Abstract names begin with a zero.
  if (path.startsWith("@")) name[0] = 0;
  return new Uint8Array([afUnix, 0, ...name]);
}
