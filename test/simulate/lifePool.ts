/**
 * A pool for random orders of events: every process has a number of its own and offers one tool that is named by it, so
 * that whoever lists or calls shows which process is meant. What must never happen is noted in `wrongs`.
 */
import type { BackendState, Lease, Offered, Pool, PoolEvents } from "../../src/backend/index.ts";
import { type Clock, fault } from "../../src/base/index.ts";
import type { BackendSpec } from "../../src/config/index.ts";
import type { Call, Outcome } from "../../src/protocol/index.ts";
import { done, statusOf, tool } from "../fixtures/pool.ts";

export interface Running {
  readonly call: Call;
  readonly startedAt: number;
  finish(): void;
  fail(): void;
}

export interface Process {
  readonly id: number;
  readonly spec: BackendSpec;
  /** The public name of its tool. */
  readonly tool: string;
  state: BackendState;
  holds: number;
  readonly running: Set<Running>;
  /** Ready, with its tool. */
  ready(): void;
  crash(): void;
}

export interface LifePool extends Pool {
  /** Every process that there ever was. */
  readonly all: readonly Process[];
  readonly alive: () => readonly Process[];
  readonly wrongs: string[];
}

const keyOf = (spec: BackendSpec): string => `${spec.name}#${spec.fingerprint}`;
const nothing = { items: [], cache: { ttlMs: 0, scope: "private" as const } };
const gone = new Set<BackendState>(["stopped"]);

export function createLifePool(events: PoolEvents, clock: Clock, drainMs: number): LifePool {
  const all: Process[] = [];
  const wrongs: string[] = [];
  const alive = (): Process[] => all.filter(({ state }) => !gone.has(state));

  function stop(process: Process): void {
    process.state = "stopped";
    for (const one of process.running) {
      if (clock.now() - one.startedAt < drainMs) wrongs.push(`process ${process.id} was stopped under a call that had not been given its time`);
      one.fail();
    }
  }

  function start(spec: BackendSpec): { process: Process; offered: () => Offered | null; settled: Lease["settled"] } {
    let offered: Offered | null = null;
    let waiting: (() => void)[] = [];
    const move = (state: BackendState): void => {
      process.state = state;
      events.changed(spec.name);
      for (const next of waiting.splice(0)) next();
    };
    const id = all.length;
    const process: Process = {
      id,
      spec,
      tool: `${spec.prefix ?? spec.name}__v${id}`,
      state: "starting",
      holds: 0,
      running: new Set(),
      ready() {
        offered = { facts: { info: "{}", capabilities: new Map([["tools", "{}"]]), instructions: null, revision: "r", announces: true, subscribes: false }, lists: { tools: { ...nothing, items: [tool(`v${id}`)] }, prompts: nothing, resources: nothing, templates: nothing }, fetchedAt: clock.now() };
        move("ready");
      },
      crash() {
        for (const one of process.running) one.fail();
        move("backing-off");
      },
    };
    all.push(process);
    const settled: Lease["settled"] = (ms, cancel) =>
      new Promise((resolve) => {
        if (process.state !== "starting") return resolve();
        const timer = clock.timer(ms, resolve);
        const end = (): void => {
          timer.cancel();
          resolve();
        };
        waiting = [...waiting, end];
        cancel?.onCancel(end);
      });
    return { process, offered: () => offered, settled };
  }

  const made = new Map<Process, ReturnType<typeof start>>();

  function processOf(spec: BackendSpec): ReturnType<typeof start> {
    const found = alive().find((one) => one.holds > 0 && keyOf(one.spec) === keyOf(spec));
    const known = found === undefined ? undefined : made.get(found);
    if (known !== undefined) return known;
    const started = start(spec);
    made.set(started.process, started);
    return started;
  }

  return {
    all,
    alive,
    wrongs,
    acquire(spec) {
      const { process, offered, settled } = processOf(spec);
      process.holds += 1;
      let held = true;
      return {
        spec,
        offered,
        variants: () => [],
        settled,
        status: () => statusOf(spec.name, { state: process.state, inFlight: process.running.size }),
        subscribe: () => Promise.resolve(null),
        again: () => Promise.resolve(false),
        call(call) {
          if (!held) wrongs.push(`process ${process.id} was called over a lease that had been given back`);
          return run(process, call, clock);
        },
        release() {
          if (held) process.holds -= 1;
          held = false;
          if (process.holds === 0 && process.state !== "stopped") stop(process);
        },
      };
    },
    async close() {
      for (const process of alive()) {
        process.state = "stopped";
        for (const one of process.running) one.fail();
      }
    },
    endIdle: () => undefined,
    kill: () => undefined,
  };
}

function run(process: Process, call: Call, clock: Clock): Promise<Outcome> {
  if (process.state !== "ready") return Promise.reject(fault("BACKEND_DOWN", { backend: process.spec.name }));
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const end = (settle: () => void): void => {
    process.running.delete(running);
    settle();
  };
  const running: Running = {
    call,
    startedAt: clock.now(),
    finish: () => end(() => resolve(done(`{"process":${process.id}}`))),
    fail: () => end(() => reject(fault("BACKEND_GONE", { backend: process.spec.name }))),
  };
  process.running.add(running);
  call.cancel.onCancel(() => end(() => reject(fault("CALL_CANCELLED"))));
  return promise;
}
