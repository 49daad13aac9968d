/**
 * The standing subscription to a modern backend's list changes. It can break silently and nothing is replayed, so it is
 * opened again with back-off, and once it is acknowledged again every list may have changed meanwhile
 * (2026-07-28, basic/utilities/subscriptions).
 */
import { CancelSource, sleep } from "../base/index.ts";
import { memberOf, type Notification, type RawObject } from "../protocol/index.ts";
import { Backoff } from "./backoff.ts";
import { Hearing } from "./hearing.ts";
import { ListenRequest, type RequestOf } from "./listenRequest.ts";
import { changeOf, type South } from "./south.ts";

const filters = Object.freeze({ tools: "toolsListChanged", prompts: "promptsListChanged", resources: "resourcesListChanged" });
type Changing = keyof typeof filters;

export class Listening {
  readonly #south: South;
  readonly #kinds: readonly Changing[];
  readonly #requestOf: RequestOf;
  readonly #backoff: Backoff;
  #request: ListenRequest | null = null;
  readonly #closed = new CancelSource();
  #honoured: readonly Changing[] = [];
  #everHonoured = false;
  readonly #hearing = new Hearing();

  /** `kinds` are the lists whose changes the backend announces; `requestOf` writes the request in the dialect. */
  constructor(south: South, kinds: readonly Changing[], requestOf: RequestOf) {
    this.#south = south;
    this.#kinds = kinds;
    this.#requestOf = requestOf;
    this.#backoff = new Backoff(south.clock, south.limits);
  }

  /** See UpstreamFacts. */
  get mute(): boolean {
    return this.#hearing.mute;
  }

  /** Resolves when it is open, or when it is known not to be, or after a while. */
  heard(): Promise<void> {
    return this.#hearing.wait(this.#south);
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
    this.#closed.cancel("closed");
    this.#request?.close();
  }

  /** Takes a notification that is about a list or about this subscription; false when it is not. */
  take(notification: Notification): boolean {
    const change = changeOf(notification.method);
    if (change === null) return isAboutOne(notification.method) && this.#request?.take(notification) === true;
    this.#south.options.changed(change);
    return true;
  }

  #acknowledged(filter: RawObject | null): void {
    this.#honoured = filter === null ? [] : this.#kinds.filter((kind) => memberOf(filter, filters[kind]) === "true");
    const isLate = this.#hearing.settle();
    if (this.#everHonoured || isLate) for (const kind of this.#honoured) this.#south.options.changed(kind);
    this.#everHonoured = true;
  }

  async #keep(): Promise<void> {
    while (!this.#closed.cancelled && (await this.#once())) await sleep(this.#south.clock, this.#backoff.delayMs(), this.#closed);
  }

  /** Holds one subscription until it ends; tells whether another one is worth trying. */
  async #once(): Promise<boolean> {
    this.#backoff.begun();
    const filter = this.#kinds.map((kind) => `"${filters[kind]}":true`).join(",");
    this.#request = new ListenRequest(this.#south, filter, this.#requestOf, { acknowledged: (honoured) => this.#acknowledged(honoured), notified: (notification) => void this.take(notification) });
    const again = await this.#request.ended;
    this.#request = null;
    this.#honoured = [];
    this.#hearing.settle();
    return again;
  }
}

const isAboutOne = (method: string): boolean => method === "notifications/subscriptions/acknowledged" || method === "notifications/cancelled";
