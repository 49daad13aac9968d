/**
 * Who was sent to which web page by an older backend: it gives each visit an id, and tells by that id when the page is
 * done with, perhaps long after the call. Only the call that was given the id hears of it.
 */
import { type Call, elementsOf, emptyObject, memberOf, type Notification, parseObject, type RawObject, type RpcError, stringOf } from "../protocol/index.ts";
import type { Limits } from "../base/index.ts";

/** A page must be visited before the call can be made (2025-11-25, client/elicitation: URL elicitation required). */
const visitRequired = -32042;

export class Visits {
  readonly #limits: Limits;
  /** Oldest first. */
  readonly #calls = new Map<string, Call>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The call was asked this. */
  asked(params: RawObject, call: Call): void {
    const id = stringOf(params, "elicitationId");
    if (id === null) return;
    this.#calls.delete(id);
    this.#calls.set(id, call);
    for (const oldest of this.#calls.keys()) {
      if (this.#calls.size <= this.#limits.visitsMax) break;
      this.#calls.delete(oldest);
    }
  }

  /** The call failed; the error may name visits. */
  failed(error: RpcError, call: Call): void {
    if (error.code !== visitRequired || error.data === null) return;
    const data = parseObject(error.data, this.#limits) ?? emptyObject;
    const list = memberOf(data, "elicitations");
    const elements = list === null ? null : elementsOf(list, this.#limits);
    for (const element of elements ?? []) this.asked(parseObject(element, this.#limits) ?? emptyObject, call);
  }

  /** A visit is over: its call is told, which may have been answered long since. False when nobody knows the id. */
  ended({ method, params }: Notification): boolean {
    const id = params === null ? null : stringOf(params, "elicitationId");
    const call = id === null ? undefined : this.#calls.get(id);
    if (id === null || call === undefined) return false;
    this.#calls.delete(id);
    call.notice({ kind: "other", method, params });
    return true;
  }

  /** The session is over, and with it the ids. */
  clear(): void {
    this.#calls.clear();
  }
}
