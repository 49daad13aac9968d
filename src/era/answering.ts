/**
 * What is open on a pipe, seen from its client: a modern request that waits for its answer, or a call that was answered
 * with a question and waits inside. Where there is no connection to close, the client's word ends either, by its id.
 */
import { fault } from "../base/index.ts";
import type { Raw } from "../protocol/index.ts";
import type { ClientCall, Sink } from "./clientCall.ts";
import { refusalText } from "./exchange.ts";
import type { Expecting } from "./modern.ts";

/** One request of the modern era that is not answered, or a listen that stands. */
export interface Open {
  /** The client wants nothing more of it. */
  cancel(reason: string): void;
  /** The program ends. */
  shutDown(): void;
}

/** The part of a pipe that one request may use until it is done. */
export interface RequestChannel {
  send(text: string): void;
  /** Nothing follows for this request. */
  done(): void;
}

/** One modern request that waits for its answer. */
export class Answering implements Expecting, Open {
  call: ClientCall | null = null;
  readonly #channel: RequestChannel;
  readonly #id: Raw;
  readonly #waiting: WaitingCalls;

  constructor(channel: RequestChannel, id: Raw, waiting: WaitingCalls) {
    this.#channel = channel;
    this.#id = id;
    this.#waiting = waiting;
  }

  notice(text: string): void {
    this.#channel.send(text);
  }

  answer(_status: number, text: string): void {
    this.#last(text);
    // An answer that does not end its call is a question.
    if (this.call?.over === false) this.#waiting.add(this.call);
  }

  none(): void {
    this.#channel.done();
  }

  cancel(reason: string): void {
    this.none();
    this.call?.abandon(reason);
  }

  shutDown(): void {
    const refused = fault("SHUTTING_DOWN");
    this.#last(refusalText(this.#id, refused));
    this.call?.abandon(refused.message);
  }

  #last(text: string): void {
    this.#channel.send(text);
    this.#channel.done();
  }
}

/**
 * The calls of one pipe that wait inside for their client. On HTTP nothing can be said of one that is parked; here a
 * cancellation may cross the question on its way, and names the request that the question answered. As many as may wait.
 */
export class WaitingCalls {
  readonly #calls = new Set<ClientCall>();

  add(call: ClientCall): void {
    if (this.#calls.has(call)) return;
    this.#calls.add(call);
    call.ending.onCancel(() => this.#calls.delete(call));
  }

  /** The client wants nothing more of the call that was answered under this id last. False: there is none. */
  cancel(id: Raw, reason: string): boolean {
    // One whose client has come back goes by the id of that request.
    const call = [...this.#calls].findLast((waiting) => waiting.away && waiting.id === id);
    call?.abandon(reason);
    return call !== undefined;
  }

  /** Nobody can come back any more. */
  end(reason: string): void {
    for (const call of [...this.#calls]) call.abandon(reason);
  }
}

/** The answers to a batch go out as one. */
export class Answers implements Sink {
  readonly #send: (text: string) => void;
  readonly #texts: string[] = [];
  #due: number;

  constructor(due: number, send: (text: string) => void) {
    this.#due = due;
    this.#send = send;
  }

  notice(text: string): void {
    this.#send(text);
  }

  answer(_status: number, text: string): void {
    this.#texts.push(text);
    this.none();
  }

  none(): void {
    this.#due -= 1;
    if (this.#due === 0 && this.#texts.length > 0) this.#send(`[${this.#texts.join(",")}]`);
  }
}
