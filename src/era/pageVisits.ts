/**
 * Visits to pages that an older backend's error sent clients of the newer era to: "finish there, then call again"
 * (2025-11-25, client/elicitation). To accept only says that somebody goes there, so the call made again waits, for a
 * while, until the backend says that the page is done with. Nothing depends on what is kept here: a visit that nobody
 * knows of any more is simply not waited for.
 */
import { type Cancel, type Clock, type Limits, randomBytes } from "../base/index.ts";
import { elementsOf, emptyObject, memberOf, parseObject, type RpcError } from "../protocol/index.ts";
import type { ClientCall } from "./clientCall.ts";
import { visitIdOf } from "./visits.ts";

interface Visit {
  /** When the state that names it has expired. */
  readonly until: number;
  /** Ids of the pages that are not done with. */
  readonly open: Set<string>;
  /** Those who wait for the last of them. */
  readonly waiting: Set<() => void>;
}

export class PageVisits {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** By the name that a state carries; oldest first. */
  readonly #byName = new Map<string, Visit>();
  /** By the call that failed: its backend tells it of the end. */
  readonly #byCall = new WeakMap<ClientCall, Visit>();

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The call failed with this error, and its client is sent to the pages in it. Gives the visit's name; "" where the backend cannot tell of its end. */
  begin(call: ClientCall, error: RpcError): string {
    const open = idsOf(error, this.#limits);
    if (open.size === 0) return "";
    const visit: Visit = { until: this.#clock.now() + this.#limits.stateMsMax, open, waiting: new Set() };
    const name = randomBytes(16).toString("base64url");
    this.#byCall.set(call, visit);
    this.#byName.set(name, visit);
    this.#forgetOldest();
    return name;
  }

  /** The backend of this call says that a page is done with. */
  ended(call: ClientCall, id: string | null): void {
    const visit = id === null ? undefined : this.#byCall.get(call);
    if (visit === undefined || id === null) return;
    visit.open.delete(id);
    if (visit.open.size > 0) return;
    for (const done of visit.waiting) done();
  }

  /** Resolves when the visit of this name is over, after `visitMsMax`, or when nobody waits any more; null: there is nothing to wait for. */
  over(name: string, cancel: Cancel): Promise<void> | null {
    const visit = this.#byName.get(name);
    return visit === undefined || visit.open.size === 0 ? null : this.#wait(visit, cancel);
  }

  #forgetOldest(): void {
    const now = this.#clock.now();
    for (const [name, { until }] of this.#byName) {
      if (this.#byName.size <= this.#limits.pageVisitsMax && until > now) return;
      this.#byName.delete(name);
    }
  }

  #wait({ waiting }: Visit, cancel: Cancel): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.timer(this.#limits.visitMsMax, resolve);
    waiting.add(resolve);
    const unhook = cancel.onCancel(() => resolve());
    return promise.finally(() => {
      waiting.delete(resolve);
      timer.cancel();
      unhook();
    });
  }
}

function idsOf({ data }: RpcError, limits: Limits): Set<string> {
  const object = data === null ? null : parseObject(data, limits);
  const pages = elementsOf((object && memberOf(object, "elicitations")) ?? "", limits) ?? [];
  const ids = pages.slice(0, limits.elicitationsMax).map((page) => visitIdOf(parseObject(page, limits) ?? emptyObject, limits));
  return new Set(ids.filter((id) => id !== null));
}
