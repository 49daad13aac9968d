/**
 * What a session with a backend of the older era is subscribed to. The backend forgets it with the session, so it is
 * told again in the next one (2025-11-25, server/resources: subscriptions).
 */
import { faultOf } from "../base/index.ts";
import { type Failure, quote, type Raw, type Result, ServerError } from "../protocol/index.ts";
import { uriParams } from "./topics.ts";
import type { South } from "./south.ts";

/** Sends one request in the session and gives the answer; a lost session is opened anew where `mayRenew`. */
export type AskSession = (method: string, params: Raw, timeoutMs: number, mayRenew: boolean) => Promise<Result | Failure>;

export class Subscriptions {
  readonly #south: South;
  readonly #ask: AskSession;
  /** By URI, of which abilities they are who want it: the backend knows one client, and is asked once. */
  readonly #wanted = new Map<string, Set<Raw>>();

  constructor(south: South, ask: AskSession) {
    this.#south = south;
    this.#ask = ask;
  }

  /** Throws ServerError when the backend refuses, and what asking throws. */
  async subscribe(uri: string, abilities: Raw): Promise<boolean> {
    const known = this.#wanted.get(uri);
    if (known !== undefined) {
      known.add(abilities);
      return true;
    }
    // Noted before the answer: a session that is lost meanwhile is told again all the same.
    this.#wanted.set(uri, new Set([abilities]));
    let isHeard = false;
    try {
      const answer = await this.#say("resources/subscribe", uri, true);
      if (answer.kind === "failure") throw new ServerError(this.#south.options.name, "resources/subscribe", answer.error);
      isHeard = true;
    } finally {
      if (!isHeard) this.#wanted.delete(uri);
    }
    return isHeard;
  }

  async unsubscribe(uri: string, abilities: Raw): Promise<void> {
    const left = this.#wanted.get(uri);
    if (left?.delete(abilities) !== true || left.size > 0) return;
    this.#wanted.delete(uri);
    // A session that is lost has forgotten it already.
    await this.#say("resources/unsubscribe", uri, false).catch((thrown: unknown) => this.#note("a subscription could not be ended", thrown));
  }

  /** A new session knows of nothing yet. */
  async replay(): Promise<void> {
    await Promise.all([...this.#wanted.keys()].map((uri) => this.#say("resources/subscribe", uri, false).catch((thrown: unknown) => this.#note("a subscription could not be made again", thrown))));
  }

  /** Nobody listened for a while: each of them may have changed. */
  missed(): void {
    for (const uri of this.#wanted.keys()) this.#south.options.updated(uri, uriParams(uri, this.#south), null);
  }

  #say(method: string, uri: string, mayRenew: boolean): Promise<Result | Failure> {
    return this.#ask(method, `{"uri":${quote(uri)}}`, this.#south.limits.subscribeMsMax, mayRenew);
  }

  #note(what: string, thrown: unknown): void {
    this.#south.log.debug(what, { backend: this.#south.options.name, code: faultOf(thrown).code });
  }
}
