/**
 * What becomes of a call that failed: it is told honestly, or, where the server fell under it and doing it twice does no
 * harm, made once more. Only failures come here; a call that goes well pays nothing for this.
 */
import { type Fault, fault, faultOf, type Log } from "../base/index.ts";
import { type Call, type Outcome, rpcErrorOf } from "../protocol/index.ts";
import { type Honesty, honestyOf, markRetried, mayRunAgain } from "./honest.ts";
import type { Row, Scene } from "./serve.ts";

export class Failures {
  readonly #log: Log;
  /** Nobody is to be served any more. */
  readonly #isOver: () => boolean;

  constructor(log: Log, isOver: () => boolean) {
    this.#log = log;
    this.#isOver = isOver;
  }

  /** A failure as an outcome, with a line in the log; `more` goes into the error's data. */
  told(thrown: Fault, call: Call, more: Readonly<Record<string, unknown>> | null = null): Outcome {
    const { row } = thrown;
    if (row.level !== "debug") {
      const cause = thrown.code === "INTERNAL" && thrown.cause instanceof Error ? (thrown.cause.stack ?? thrown.cause.message) : undefined;
      this.#log[row.level](thrown.message, { code: thrown.code, callId: call.callId, method: call.method, server: thrown.backend, cause, ...more });
    }
    return { kind: "failed", error: rpcErrorOf(thrown, more ?? {}) };
  }

  /** What comes of a call that `row` threw for. */
  async handled(row: Row, scene: Scene, call: Call, thrown: unknown): Promise<Outcome> {
    const failure = faultOf(thrown);
    const { limits, generation } = scene.snapshot;
    const lease = scene.asked === null ? undefined : generation.leases.get(scene.asked);
    if (lease === undefined) return this.told(failure, call);
    const honesty = honestyOf(failure, call, scene.tool, limits);
    const isAgain = !this.#isOver() && mayRunAgain(failure, call, scene.tool, limits) && (await lease.again(call));
    return isAgain ? this.#again(row, scene, call, honesty) : this.told(failure, call, honesty && { ...honesty });
  }

  async #again(row: Row, scene: Scene, call: Call, first: Honesty | null): Promise<Outcome> {
    const { limits } = scene.snapshot;
    try {
      const outcome = await row(scene, call);
      return outcome.kind === "unknown" ? outcome.outcome : markRetried(outcome, limits);
    } catch (thrown) {
      const failure = faultOf(thrown);
      const second = honestyOf(failure, call, scene.tool, limits);
      return this.told(failure, call, second && { ...second, sent: second.sent || first?.sent === true, retried: true });
    }
  }
}

/** The failure of a call for a server that is known to be away; nothing was sent. */
export const awayFault = (backend: string, op: string, detail: string): Fault => fault("BACKEND_DOWN", { backend, op, detail, data: { sent: false, retry: "safe" } });
