/**
 * The requests that are open at this moment, by whose they are: when a grant ends, everything that hangs on a connection
 * of it is cut at once, whatever it is. And the streams that stand: each caller has only so many, and none outlives what
 * it was opened with.
 */
import type { Clock, Limits, Timer } from "../base/index.ts";
import type { Principal } from "../protocol/index.ts";

/** A request that is being answered. */
export interface OpenRequest {
  readonly principal: Principal;
  /** Takes the connection from its client. */
  cut(): void;
}

export class Callers {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** Nearly every one of them is gone again before anybody looks, so they are in no order. */
  readonly #open = new Set<OpenRequest>();
  /** Those of them whose streams stand, with what ends them in time. */
  readonly #standing = new Map<OpenRequest, Timer | null>();

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  enter(request: OpenRequest): void {
    this.#open.add(request);
  }

  /** It is answered. Leaving twice is fine. */
  leave(request: OpenRequest): void {
    this.#open.delete(request);
    if (this.#standing.size === 0) return;
    this.#standing.get(request)?.cancel();
    this.#standing.delete(request);
  }

  /** Whether this caller may have one more stream that stands. The operator's programs all have his one token. */
  hasRoom({ id, scopes }: Principal): boolean {
    if (scopes === null) return true;
    let standing = 0;
    for (const { principal } of this.#standing.keys()) if (principal.id === id) standing += 1;
    return standing < this.#limits.streamsPerGrantMax;
  }

  /**
   * The stream of this request stands from now on, until `expiresAt` at the latest; null: as long as its grant. What it
   * was opened with can be taken back or replaced before that, while its grant goes on: so `look` says anew, as often as
   * calls are judged anew, until when it may stand.
   */
  stand(request: OpenRequest, expiresAt: number | null, look: () => number): void {
    if (expiresAt === null) this.#standing.set(request, null);
    else this.#until(request, expiresAt, look);
  }

  #until(request: OpenRequest, expiresAt: number, look: () => number): void {
    const { tokenMemoMs } = this.#limits;
    const leftMs = expiresAt - this.#clock.now();
    const due = (): void => (leftMs > tokenMemoMs ? this.#until(request, look(), look) : request.cut());
    this.#standing.set(request, this.#clock.timer(Math.max(0, Math.min(leftMs, tokenMemoMs)), due));
  }

  /** Cuts everything of these principals. */
  end(principalIds: readonly string[]): void {
    const ended = new Set(principalIds);
    for (const request of [...this.#open]) if (ended.has(request.principal.id)) request.cut();
  }
}
