/**
 * One `subscriptions/listen` request at a backend, from its sending to its end, whatever ends it: the backend's result,
 * its notification on a pipe, a broken stream, or us (2026-07-28, basic/patterns/subscriptions). What was asked for, and
 * whether to ask again, is the business of whoever holds it.
 */
import { type Fault, faultOf } from "../base/index.ts";
import { type Failure, memberOf, type Message, type Notification, notificationText, objectOf, type RawObject, type Result } from "../protocol/index.ts";
import { answerOf, noHeaders, type South } from "./south.ts";
import type { WireRequest } from "./types.ts";
import { metaKeys } from "./words.ts";

/** Writes a request in the dialect; `params` are its members without braces. */
export type RequestOf = (id: number, params: string) => Pick<WireRequest, "text" | "headers">;

/** What whoever holds the request hears. */
export interface ListenHooks {
  /** The filter that the backend fulfils; null when it names none. */
  acknowledged(filter: RawObject | null): void;
  /** Any other notification that is tagged with this request, or came on its stream. */
  notified(notification: Notification): void;
}

/** Errors after which asking again makes no sense: the backend does not know the request, or not this one. */
const isFinal = (code: number): boolean => code === -32601 || code === -32602;

export class ListenRequest {
  /** Resolves at the end; true when another one is worth trying. */
  readonly ended: Promise<boolean>;
  readonly #south: South;
  readonly #hooks: ListenHooks;
  readonly #id: number;
  #closed = false;
  #over = false;

  /** Sends it at once; `filter` are the members of `notifications`, without braces. */
  constructor(south: South, filter: string, requestOf: RequestOf, hooks: ListenHooks) {
    this.#south = south;
    this.#hooks = hooks;
    this.#id = south.wire.nextId();
    this.ended = this.#hold(requestOf(this.#id, `"notifications":{${filter}}`));
  }

  /** Takes a notification that came on no stream of its own; false when it is not about this request. */
  take(notification: Notification): boolean {
    if (this.#over) return false;
    if (notification.method === "notifications/cancelled") return this.#torn(notification);
    const tag = subscriptionOf(notification);
    if (tag !== null && tag !== String(this.#id)) return false;
    if (!this.#closed) this.#hear(notification);
    return true;
  }

  /** Gives it up; the backend is told. Closing twice is fine. */
  close(): void {
    if (this.#closed || this.#over) return;
    this.#closed = true;
    if (this.#south.wire.transport === "stdio") this.#tell();
    this.#south.wire.abandon(this.#id);
  }

  async #hold(request: Pick<WireRequest, "text" | "headers">): Promise<boolean> {
    const { wire, limits, log, options } = this.#south;
    const onMessage = (message: Message): void => {
      if (message.kind === "notification" && !this.#closed) this.#hear(message);
    };
    try {
      const reply = await wire.request({ id: this.#id, ...request, timeoutMs: limits.listenMsMax, standing: true, onMessage });
      return this.#goesOn(answerOf(this.#south, reply, "subscriptions/listen"));
    } catch (thrown) {
      const reason = faultOf(thrown);
      if (!this.#closed) log.debug("a subscription ended", { backend: options.name, code: reason.code });
      return this.#survives(reason);
    } finally {
      this.#over = true;
    }
  }

  #hear(notification: Notification): void {
    if (notification.method !== "notifications/subscriptions/acknowledged") return this.#hooks.notified(notification);
    this.#hooks.acknowledged(notification.params === null ? null : objectOf(notification.params, "notifications"));
  }

  /** The backend takes it down; on a pipe it may say so before, or instead of, its result. */
  #torn({ params }: Notification): boolean {
    if (params === null || memberOf(params, "requestId") !== String(this.#id)) return false;
    this.#south.wire.abandon(this.#id);
    return true;
  }

  #goesOn(response: Result | Failure): boolean {
    if (response.kind === "result" || !isFinal(response.error.code)) return true;
    this.#south.log.info("a server announces changes but takes no subscription", { backend: this.#south.options.name, code: response.error.code });
    return false;
  }

  /** A pipe that is gone does not come back: its owner makes a new connection. */
  #survives(reason: Fault): boolean {
    return this.#south.wire.transport !== "stdio" || reason.code === "CALL_CANCELLED" || reason.code === "BACKEND_TIMEOUT";
  }

  #tell(): void {
    this.#south.wire.send(notificationText("notifications/cancelled", `{"requestId":${this.#id}}`), noHeaders).catch((thrown: unknown) => {
      this.#south.log.debug("a subscription could not be ended", { backend: this.#south.options.name, code: faultOf(thrown).code });
    });
  }
}

/** JSON text of the id of the request that a notification is tagged with; null for none. */
export const subscriptionOf = ({ meta }: Notification): string | null => (meta === null ? null : memberOf(meta, metaKeys.subscriptionId));
