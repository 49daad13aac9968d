/**
 * The standing subscription to a modern backend's list changes. It can break silently and nothing is replayed, so it is
 * opened again with back-off, and once it is acknowledged again every list may have changed meanwhile
 * (2026-07-28, basic/utilities/subscriptions).
 */
import { type Fault, faultOf, sleep } from "../base/index.ts";
import { type Failure, memberOf, type Message, type Notification, notificationText, objectOf, type Result } from "../protocol/index.ts";
import { Backoff } from "./backoff.ts";
import { Hearing } from "./hearing.ts";
import { answerOf, changeOf, noHeaders, type South } from "./south.ts";
import type { WireRequest } from "./types.ts";

const filters = Object.freeze({ tools: "toolsListChanged", prompts: "promptsListChanged", resources: "resourcesListChanged" });
type Changing = keyof typeof filters;

/** Errors after which asking again makes no sense: the backend does not know the request, or not this one. */
const isFinal = (code: number): boolean => code === -32601 || code === -32602;

export class Listening {
  readonly #south: South;
  readonly #kinds: readonly Changing[];
  readonly #requestOf: (id: number, params: string) => Pick<WireRequest, "text" | "headers">;
  readonly #backoff: Backoff;
  #id: number | null = null;
  #closed = false;
  #honoured: readonly Changing[] = [];
  #everHonoured = false;
  readonly #hearing = new Hearing();

  /** `kinds` are the lists whose changes the backend announces; `requestOf` writes the request in the dialect. */
  constructor(south: South, kinds: readonly Changing[], requestOf: (id: number, params: string) => Pick<WireRequest, "text" | "headers">) {
    this.#south = south;
    this.#kinds = kinds;
    this.#requestOf = requestOf;
    this.#backoff = new Backoff(south.clock, south.limits);
  }

  /** Resolves when it is open, or when it is known not to be, or after a while. */
  heard(): Promise<void> {
    return this.#hearing.wait(this.#south.clock, this.#south.limits.hearMsMax);
  }

  /** The backend has agreed to announce changes, and the subscription is open. */
  get open(): boolean {
    return this.#honoured.length > 0;
  }

  start(): void {
    if (this.#kinds.length > 0) void this.#keep();
    else this.#hearing.settle();
  }

  close(): void {
    this.#closed = true;
    const id = this.#id;
    if (id === null) return;
    this.#id = null;
    if (this.#south.wire.transport === "stdio") this.#tell(id);
    this.#south.wire.abandon(id);
  }

  /** Takes a notification that is about a subscription; false when it is not. */
  take(notification: Notification): boolean {
    const change = changeOf(notification.method);
    if (change !== null) this.#south.options.changed(change);
    else if (notification.method === "notifications/subscriptions/acknowledged") this.#acknowledged(notification);
    else if (notification.method === "notifications/cancelled") this.#torn(notification);
    else return false;
    return true;
  }

  #acknowledged(notification: Notification): void {
    const filter = notification.params === null ? null : objectOf(notification.params, "notifications");
    this.#honoured = filter === null ? [] : this.#kinds.filter((kind) => memberOf(filter, filters[kind]) === "true");
    const isLate = this.#hearing.settle();
    if (this.#everHonoured || isLate) for (const kind of this.#honoured) this.#south.options.changed(kind);
    this.#everHonoured = true;
  }

  /** The backend takes the subscription down; on stdio it may say so before, or instead of, its result. */
  #torn(notification: Notification): void {
    const id = this.#id;
    if (id === null || notification.params === null || memberOf(notification.params, "requestId") !== String(id)) return;
    this.#south.wire.abandon(id);
  }

  async #keep(): Promise<void> {
    while (!this.#closed && (await this.#once())) {
      this.#honoured = [];
      this.#id = null;
      this.#hearing.settle();
      await sleep(this.#south.clock, this.#backoff.delayMs());
    }
    this.#honoured = [];
    this.#hearing.settle();
  }

  /** Holds one subscription until it ends; tells whether another one is worth trying. */
  async #once(): Promise<boolean> {
    const { wire, limits, log, options } = this.#south;
    const id = wire.nextId();
    this.#id = id;
    this.#backoff.begun();
    const filter = this.#kinds.map((kind) => `"${filters[kind]}":true`).join(",");
    const request = { id, ...this.#requestOf(id, `"notifications":{${filter}}`), timeoutMs: limits.listenMsMax, standing: true as const, onMessage: (message: Message) => this.#received(message) };
    try {
      const response = answerOf(this.#south, await wire.request(request), "subscriptions/listen");
      return this.#goesOn(response);
    } catch (thrown) {
      const reason = faultOf(thrown);
      if (!this.#closed) log.debug("a subscription ended", { backend: options.name, code: reason.code });
      return this.#survives(reason);
    }
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

  #received(message: Message): void {
    if (message.kind === "notification") this.take(message);
  }

  #tell(id: number): void {
    this.#south.wire.send(notificationText("notifications/cancelled", `{"requestId":${id}}`), noHeaders).catch((thrown: unknown) => {
      this.#south.log.debug("a subscription could not be ended", { backend: this.#south.options.name, code: faultOf(thrown).code });
    });
  }
}
