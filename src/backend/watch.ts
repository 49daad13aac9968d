/**
 * Our side of the watchdog: a second process of this program that ends our children when we could not, because we were
 * killed. It is started before the first child, knows from its first moment by which mark to find them, and learns of
 * each group over its stdin, whose end tells it that we are gone.
 */
import { parse } from "node:path";
import { chargeText, chargeVariable, type Clock, type Limits, type Log, lostLine, startOf, startSelf, tookLine } from "../base/index.ts";
import { inheritedOf } from "./environment.ts";
import type { Member, Witness } from "./group.ts";
import { type Sink, StdinWriter } from "./stdin.ts";

export interface WatchOptions {
  /** How this program is started as the watchdog. */
  readonly argv: readonly string[];
  readonly life: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

/** The watchdog that runs. */
interface Dog {
  readonly lines: StdinWriter;
  readonly startedAt: number;
  readonly exited: Promise<unknown>;
  kill(): void;
}

/** Of lines that a watchdog has not read. One that leaves so many is of no use. */
const bytesMax = 64 * 1024;

/** Makes the watch; nothing is started before the first child. */
export const createWatch = (options: WatchOptions): Witness => new Watch(options);

class Watch implements Witness {
  readonly #options: WatchOptions;
  readonly #members = new Map<number, Member>();
  #dog: Dog | null = null;
  #closed = false;
  /** How long to wait before the next start; 0: the last one went well. */
  #waitMs = 0;
  #waiting = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  expect(): void {
    if (this.#dog === null && !this.#waiting) this.#start();
  }

  took(member: Member): void {
    this.#members.set(member.pid, member);
    this.#say(tookLine(member.pid, member.start));
  }

  lost(pid: number): void {
    this.#members.delete(pid);
    this.#say(lostLine(pid));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const dog = this.#dog;
    if (dog === null) return;
    // While anybody is left it has something to do; else it goes before us.
    if (this.#members.size === 0) {
      dog.kill();
      await dog.exited;
    }
    dog.lines.end();
  }

  #start(): void {
    const { argv, life, env, limits, clock, log } = this.#options;
    const charge = chargeText({ life, since: startOf(process.pid) ?? 0, graceMs: Math.min(limits.stdinEndMs, limits.killedEndMs), termMs: limits.termMs });
    try {
      // In a folder that nobody will want to remove, and with no secret of ours.
      const child = startSelf({ argv, cwd: parse(process.execPath).root, env: { ...inheritedOf({ inheritParentEnv: false }, env), [chargeVariable]: charge }, stdin: "pipe", stderr: null });
      const kill = (): void => child.kill("SIGKILL");
      const dog: Dog = { lines: new StdinWriter(child.stdin as Sink, bytesMax, kill), startedAt: clock.now(), exited: child.exited, kill };
      this.#dog = dog;
      for (const { pid, start } of this.#members.values()) this.#say(tookLine(pid, start));
      void child.exited.then(() => this.#ended(dog));
      log.debug("the watchdog runs", { pid: child.pid });
    } catch (thrown) {
      this.#failed("the watchdog cannot be started: should this process be killed, servers may outlive it", String(thrown));
    }
  }

  #say(line: string): void {
    if (this.#dog !== null && !this.#dog.lines.write(line, 0, true)) this.#dog.kill();
  }

  #ended({ startedAt }: Dog): void {
    this.#dog = null;
    if (this.#closed) return;
    const { clock, limits } = this.#options;
    if (clock.now() - startedAt >= limits.backoffResetMs) this.#waitMs = 0;
    this.#failed("the watchdog has ended, and is started again", null);
  }

  // Said once in a row; tried for as long as there is anybody to be watched.
  #failed(what: string, reason: string | null): void {
    const { clock, limits, log } = this.#options;
    if (this.#waitMs === 0) log.warn(what, { reason });
    this.#waitMs = Math.min(Math.max(this.#waitMs * 2, limits.backoffMsMin), limits.backoffMsMax);
    this.#waiting = true;
    clock.timer(this.#waitMs, () => {
      this.#waiting = false;
      if (!this.#closed && this.#members.size > 0) this.expect();
    });
  }
}
