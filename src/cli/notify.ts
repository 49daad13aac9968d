/**
 * What a service manager wants to know of us (sd_notify(3)), said as datagrams to the socket it names in NOTIFY_SOCKET:
 * that we listen, that we reload, that we stop, how the servers are, and, where it watches us, that we live. Without that
 * variable nothing of this is loaded.
 */
import { type Clock, escapeControls, type Libc, loadLibc } from "../base/index.ts";
import type { Listening } from "../compose/index.ts";

type Env = Readonly<Record<string, string | undefined>>;
type Watched = Pick<Listening, "answers" | "reload" | "status" | "close">;
type Status = Pick<ReturnType<Listening["status"]>, "backends" | "config">;

/** Whoever started us, as long as we are its main process. */
export interface Supervisor {
  /** Says that we listen, and goes on telling how we are; gives the same proxy, whose reloads and end are told too. */
  began<T extends Watched>(running: T): T;
  /** Another process is the main one from now on; we are silent. */
  handedTo(pid: number): void;
  /** There is nothing more to tell. Closing twice is fine. */
  close(): void;
}

export interface SupervisorOptions {
  readonly env: Env;
  readonly clock: Clock;
  /** Takes a line for people. */
  readonly warn: (line: string) => void;
  /** The C library; for tests of a system that has none. */
  readonly load?: () => Promise<Libc | null>;
}

/** Variables that are meant for this process alone. */
export const supervisorVariables = Object.freeze(["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const);

const statusLookMs = 1_000;
const usPerMs = 1_000;
/** What a person reads in one line. */
const ailingMax = 5;

/** Whoever started us; one that listens to nothing where there is nobody. */
export async function supervisorOf({ env, clock, warn, load = loadLibc }: SupervisorOptions): Promise<Supervisor> {
  const path = env["NOTIFY_SOCKET"] ?? "";
  if (path === "") return nobody;
  const libc = await load();
  if (libc !== null) return new Told({ path, libc, clock, warn, watchdogMs: watchdogMsOf(env) });
  warn(`the service manager at ${path} cannot be told how we are: this system's C library cannot be used`);
  return nobody;
}

const nobody: Supervisor = Object.freeze({ began: <T>(running: T): T => running, handedTo: () => undefined, close: () => undefined });

/** How often we have to give a sign of life, twice over: half of the time that is allowed. Null: nobody asks us to. */
export function watchdogMsOf(env: Env, pid: number = process.pid): number | null {
  const forUs = env["WATCHDOG_PID"] ?? "";
  const us = env["WATCHDOG_USEC"] ?? "";
  if (!/^[1-9]\d{0,15}$/.test(us) || (forUs !== "" && forUs !== String(pid))) return null;
  return Math.max(1, Math.floor(Number(us) / usPerMs / 2));
}

/** The servers in one line. */
export function healthLine({ backends, config }: Status): string {
  const wanted = backends.filter(({ state }) => state !== "disabled");
  const usable = wanted.filter(({ state }) => state === "ready" || state === "idle");
  const ailing = wanted.filter((one) => !usable.includes(one)).map(({ name, state }) => `${name} (${state})`);
  const more = ailing.length > ailingMax ? `, and ${ailing.length - ailingMax} more` : "";
  const named = ailing.length === 0 ? "" : `; not ready: ${ailing.slice(0, ailingMax).join(", ")}${more}`;
  const rejected = config.state === "rejected" ? "; the configuration on disk is not valid, the one before is in use" : "";
  return escapeControls(`servers ready: ${usable.length}/${wanted.length}${named}${rejected}`);
}

interface ToldOptions {
  readonly path: string;
  readonly libc: Libc;
  readonly clock: Clock;
  readonly warn: (line: string) => void;
  readonly watchdogMs: number | null;
}

class Told implements Supervisor {
  readonly #options: ToldOptions;
  readonly #loops: (() => void)[] = [];
  #silent = false;
  /** The last line that was taken; what was not taken is said again. */
  #line: string | null = null;

  constructor(options: ToldOptions) {
    this.#options = options;
  }

  began<T extends Watched>(running: T): T {
    const { watchdogMs } = this.#options;
    this.#look(running);
    this.#every(statusLookMs, () => this.#look(running));
    if (watchdogMs !== null) this.#every(watchdogMs, () => this.#live(running, watchdogMs));
    return {
      ...running,
      reload: () => this.#reload(running),
      close: () => {
        this.#say(["STOPPING=1", "STATUS=answering what is under way"]);
        this.close();
        return running.close();
      },
    };
  }

  handedTo(pid: number): void {
    // The sign of life covers the time until the other one gives its own.
    this.#say([`MAINPID=${pid}`, "READY=1", "WATCHDOG=1"]);
    this.close();
  }

  close(): void {
    this.#silent = true;
    for (const end of this.#loops.splice(0)) end();
  }

  /** Ready from the first time on that this is taken. */
  #look({ status }: Watched): void {
    const line = healthLine(status());
    if (line === this.#line) return;
    const ready = this.#line === null ? ["READY=1", `MAINPID=${process.pid}`] : [];
    if (this.#say([...ready, `STATUS=${line}`])) this.#line = line;
  }

  /** A loop that hangs does not get here, and a door that does not answer is as bad. */
  async #live({ answers }: Watched, ms: number): Promise<void> {
    if (await answers(ms)) this.#say(["WATCHDOG=1"]);
    else if (!this.#silent) this.#options.warn(`our own door did not answer within ${ms} ms, so the service manager gets no sign of life`);
  }

  async #reload({ reload, status }: Watched): ReturnType<Watched["reload"]> {
    this.#say(["RELOADING=1", `MONOTONIC_USEC=${this.#options.libc.monotonicUs()}`]);
    // Whatever comes of it, the reload is over: a manager that still waits would take us for stuck.
    return reload().finally(() => this.#say(["READY=1", `STATUS=${healthLine(status())}`]));
  }

  #say(fields: readonly string[]): boolean {
    return !this.#silent && this.#options.libc.sendDatagram(this.#options.path, fields.join("\n"));
  }

  #every(ms: number, run: () => Promise<void> | void): void {
    const { clock } = this.#options;
    let timer = clock.timer(ms, next);
    let ended = false;
    function next(): void {
      void Promise.try(run).finally(() => {
        if (!ended) timer = clock.timer(ms, next);
      });
    }
    this.#loops.push(() => {
      ended = true;
      timer.cancel();
    });
  }
}
