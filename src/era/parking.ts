/**
 * Calls of clients without a session that wait inside us while their client is asked: a backend with a session asks in
 * the middle of a call, the client hears "more input is wanted" and comes back with another request, and the same call
 * goes on (2026-07-28, basic/patterns/mrtr). What a client holds is a sealed name of its call, good for one use; nothing
 * here hangs on a connection, and no call is ever made twice.
 */
import { Fault, fault, randomBytes } from "../base/index.ts";
import { type Answer, type Ask, emptyObject, type Outcome, parseObject, type RawObject, stringOf } from "../protocol/index.ts";
import { missingFor } from "./capability.ts";
import type { Asker, ClientCall } from "./clientCall.ts";
import { isRetryable } from "./methods.ts";
import type { PageVisits } from "./pageVisits.ts";
import { type Around, gone, Parked, type Taken } from "./parked.ts";
import { Places } from "./places.ts";
import { questionMethods, refusedAnswer } from "./question.ts";
import type { Sealed } from "./seal.ts";

/** A capability that was lacking, as an object. */
type Lack = Readonly<Record<string, unknown>>;

export class Parking implements Asker {
  readonly #around: Around;
  readonly #pageVisits: PageVisits;
  /** Names this process: a state of another one is told apart from a call that is over. */
  readonly #instance = randomBytes(6).toString("base64url");
  readonly #byId = new Map<string, Parked>();
  readonly #byCall = new Map<ClientCall, Parked>();
  readonly #lacking = new WeakMap<ClientCall, Lack>();
  readonly #places: Places;
  #retired = false;

  constructor(around: Around, pageVisits: PageVisits) {
    this.#around = around;
    this.#pageVisits = pageVisits;
    this.#places = new Places(around.limits);
  }

  /** Calls that wait. */
  get size(): number {
    return this.#byCall.size;
  }

  ask(call: ClientCall, ask: Ask): Promise<Answer> {
    const refused = this.#refusalOf(call, ask);
    if (refused !== null) return Promise.resolve(refused);
    if (this.#retired) return Promise.reject(fault("SHUTTING_DOWN", { backend: ask.backend }));
    try {
      return (this.#byCall.get(call) ?? this.#open(call)).add(ask);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Clients of this era do not hear of it, but their calls that are made again may wait for it. */
  visited(call: ClientCall, params: RawObject): void {
    this.#pageVisits.ended(call, stringOf(params, "elicitationId"));
  }

  /** What the client of this call lacked when a backend wanted to ask it; null: nothing. */
  lacked(call: ClientCall): Lack | null {
    return this.#lacking.get(call) ?? null;
  }

  /** Takes what a call came to; true: its client is away, and it is kept for when it comes back. */
  keeps(call: ClientCall, outcome: Outcome): boolean {
    return this.#byCall.get(call)?.finish(outcome) ?? false;
  }

  /** A client comes back. `next` is its request as a call, which becomes the waiting one's. */
  take(next: ClientCall, sealed: Sealed, responses: RawObject): Taken | Fault {
    const [instance, id = ""] = sealed.state.split(".");
    if (instance !== this.#instance) return gone("the call waited in a process that has ended, or in another one; it is not made again by itself");
    return this.#byId.get(id)?.take(next, sealed.round, responses) ?? gone("the call is over");
  }

  /** What these principals were granted is gone: gives up all that waits for them, what is kept for them included. */
  endOf(principalIds: ReadonlySet<string>): void {
    for (const call of [...this.#byCall.keys()]) if (principalIds.has(call.principal.id)) call.abandon("its grant has ended");
    for (const parked of [...this.#byId.values()]) if (principalIds.has(parked.principalId)) parked.end("its grant has ended");
  }

  /** Nobody can come back any more: gives up the calls whose clients are away, and asks nobody. */
  retire(): void {
    this.#retired = true;
    for (const call of [...this.#byCall.keys()]) if (call.away) call.abandon("the proxy is shutting down");
  }

  /** Ends every call that waits. */
  close(): void {
    this.#retired = true;
    for (const call of [...this.#byCall.keys()]) call.abandon("the proxy is shutting down");
    for (const parked of this.#byId.values()) parked.end("the proxy is shutting down");
  }

  /** What the backend hears where the client cannot be asked this, by what its last request declared; null where it can. */
  #refusalOf(call: ClientCall, { kind, params }: Ask): Answer | null {
    const declared = parseObject(call.client.capabilities, this.#around.limits) ?? emptyObject;
    if (!isRetryable(call.method)) return refusedAnswer(kind, null, declared);
    const need = missingFor(questionMethods[kind], params ?? emptyObject, declared);
    if (need === null) return null;
    if (need !== "unknown") this.#lacking.set(call, joined(this.#lacking.get(call), need));
    return refusedAnswer(kind, need, declared);
  }

  #open(call: ClientCall): Parked {
    const place = this.#places.take(call.principal.id);
    if (place instanceof Fault) throw place;
    const id = randomBytes(16).toString("base64url");
    const parked = new Parked(call, `${this.#instance}.${id}`, this.#around, {
      place,
      refusalOf: (ask) => this.#refusalOf(call, ask),
      over: () => this.#byCall.delete(call),
      ended: () => this.#byId.delete(id),
    });
    this.#byId.set(id, parked);
    this.#byCall.set(call, parked);
    return parked;
  }
}

/** Both lacks in one: of one capability several parts may be lacking. */
function joined(before: Lack | undefined, need: Lack): Lack {
  const all: Record<string, unknown> = { ...before };
  for (const [name, parts] of Object.entries(need)) all[name] = { ...(all[name] as object | undefined), ...(parts as object) };
  return all;
}
