/**
 * Who was sent to which web page by an older backend: it gives each visit an id, and tells by that id when the page is
 * done with, perhaps long after the call. Only the call that was given the id hears of it.
 */
import { type Beside, type Call, elementsOf, emptyObject, memberOf, type Notification, parseObject, type RawObject, type RpcError, stringOf } from "../protocol/index.ts";
import type { Limits } from "../base/index.ts";

/** A page must be visited before the call can be made (2025-11-25, client/elicitation: URL elicitation required). */
const visitRequired = -32042;

/** The id of a visit that these parameters name; null for none, or one too long to be kept. */
export function visitIdOf(params: RawObject, { visitIdCharsMax }: Pick<Limits, "visitIdCharsMax">): string | null {
  const id = stringOf(params, "elicitationId");
  return id === null || id.length > visitIdCharsMax ? null : id;
}

/** Whoever was sent there: a call, or the client of a session. */
type Visitor = Pick<Call | Beside, "notice">;

export class Visits {
  readonly #limits: Limits;
  /** Oldest first. */
  readonly #visitors = new Map<string, Visitor>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The visitor was asked this. */
  asked(params: RawObject, visitor: Visitor): void {
    const id = visitIdOf(params, this.#limits);
    if (id === null) return;
    this.#visitors.delete(id);
    this.#visitors.set(id, visitor);
    for (const oldest of this.#visitors.keys()) {
      if (this.#visitors.size <= this.#limits.visitsMax) break;
      this.#visitors.delete(oldest);
    }
  }

  /** The call failed; the error may name visits. */
  failed(error: RpcError, call: Visitor): void {
    if (error.code !== visitRequired || error.data === null) return;
    const data = parseObject(error.data, this.#limits) ?? emptyObject;
    const list = memberOf(data, "elicitations");
    const elements = list === null ? null : elementsOf(list, this.#limits);
    for (const element of elements ?? []) this.asked(parseObject(element, this.#limits) ?? emptyObject, call);
  }

  /** A visit is over: the visitor is told, a call perhaps long after its answer. False when nobody knows the id. */
  ended({ method, params }: Notification): boolean {
    const id = params === null ? null : stringOf(params, "elicitationId");
    const visitor = id === null ? undefined : this.#visitors.get(id);
    if (id === null || visitor === undefined) return false;
    this.#visitors.delete(id);
    visitor.notice({ kind: "other", method, params });
    return true;
  }

  /** The session is over, and with it the ids. */
  clear(): void {
    this.#visitors.clear();
  }
}
