/**
 * The resources (or the tasks) of a modern backend that somebody wants to hear of, in one standing subscription. Its filter
 * cannot be changed, so a changed wish opens a new one, waits for the acknowledgement and closes the old one: at no
 * moment is nothing open. It can break silently and nothing is replayed; after it stands again, every resource may have
 * changed (2026-07-28, basic/patterns/subscriptions).
 */
import { singleFlight, type Timer } from "../base/index.ts";
import { editObject, elementsOf, emptyObject, memberOf, type Notification, parseObject, quote, type Raw, type RawObject, stringOf } from "../protocol/index.ts";
import { Backoff } from "./backoff.ts";
import { type TopicWords, resourceWords } from "./topics.ts";
import { textOf } from "./hop.ts";
import { ListenRequest, type RequestOf, subscriptionOf } from "./listenRequest.ts";
import type { South } from "./south.ts";
import { metaKeys } from "./words.ts";

/** A subscription that the backend has acknowledged. */
interface Held {
  readonly request: ListenRequest;
  readonly honoured: ReadonlySet<string>;
}

export class ResourceListening {
  readonly #south: South;
  readonly #abilities: Raw;
  readonly #requestOf: RequestOf;
  readonly #words: TopicWords;
  readonly #backoff: Backoff;
  readonly #applySoon: () => Promise<void>;
  readonly #wanted = new Set<string>();
  #held: Held | null = null;
  /** Sent, and not acknowledged yet. */
  #opening: ListenRequest | null = null;
  #retry: Timer | null = null;
  /** The one before ended by itself, so something may have been missed. */
  #broke = false;
  #closed = false;

  /** Listens for clients of these abilities; `requestOf` writes the request; `words` say to what. */
  constructor(south: South, abilities: Raw, requestOf: RequestOf, words: TopicWords = resourceWords(south)) {
    this.#south = south;
    this.#abilities = abilities;
    this.#requestOf = requestOf;
    this.#words = words;
    this.#backoff = new Backoff(south.clock, south.limits);
    this.#applySoon = singleFlight(() => this.#apply());
  }

  /** Adds a resource; false when the backend does not acknowledge it. */
  async subscribe(uri: string): Promise<boolean> {
    this.#wanted.add(uri);
    if (!this.#isHonoured(uri)) await this.#applySoon();
    if (this.#isHonoured(uri)) return true;
    this.#wanted.delete(uri);
    return false;
  }

  /** Nothing is wanted, and so nothing is open. */
  get isIdle(): boolean {
    return this.#wanted.size === 0;
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#wanted.delete(uri)) await this.#applySoon();
  }

  /** Takes a notification that is about a resource, or about the subscription; false when it is not. */
  take(notification: Notification): boolean {
    if (notification.method === this.#words.method) return this.#takeUpdate(notification);
    if (notification.method !== "notifications/subscriptions/acknowledged" && notification.method !== "notifications/cancelled") return false;
    return this.#opening?.take(notification) === true || this.#held?.request.take(notification) === true;
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#opening?.close();
    this.#held?.request.close();
    this.#held = null;
  }

  #isHonoured(uri: string): boolean {
    return this.#held?.honoured.has(uri) === true;
  }

  /** While two are open, only one of them speaks: what is tagged for another is the same news twice, or too late. */
  #takeUpdate(notification: Notification): boolean {
    if (subscriptionOf(notification) === null) this.#updated(notification);
    else this.#held?.request.take(notification);
    return true;
  }

  #updated({ method, params }: Notification): void {
    const id = params === null || method !== this.#words.method ? null : stringOf(params, this.#words.member);
    const uri = id === null ? null : this.#words.topicOf(id);
    if (params === null || uri === null) return this.#south.log.debug("a notification that belongs to nobody", { backend: this.#south.options.name, method });
    this.#south.options.updated(uri, this.#untagged(params), this.#abilities);
  }

  /** The tag is a word between the backend and us. */
  #untagged(params: RawObject): RawObject {
    const { limits } = this.#south;
    const meta = parseObject(memberOf(params, "_meta") ?? "", limits);
    if (meta === null || memberOf(meta, metaKeys.subscriptionId) === null) return params;
    const rest = meta.members.length === 1 ? null : editObject(meta, { [metaKeys.subscriptionId]: null });
    return parseObject(editObject(params, { _meta: rest }), limits) ?? emptyObject;
  }

  /** Makes the subscription fit the wishes of the moment. */
  async #apply(): Promise<void> {
    this.#retry?.cancel();
    if (this.#closed) return;
    if (this.#wanted.size === 0) return this.#drop();
    const again = await this.#open([...this.#wanted]);
    if (this.#held === null && again) this.#openLater();
  }

  #drop(): void {
    this.#held?.request.close();
    this.#held = null;
    this.#broke = false;
  }

  /** Opens one and waits for what the backend makes of it; tells whether another one is worth trying. */
  async #open(uris: readonly string[]): Promise<boolean> {
    const { clock, limits } = this.#south;
    const known = Promise.withResolvers<boolean>();
    const timer = clock.timer(limits.subscribeMsMax, () => known.resolve(true));
    this.#backoff.begun();
    const request = new ListenRequest(this.#south, `"${this.#words.filter}":[${uris.map((uri) => quote(this.#words.idOf(uri))).join(",")}]`, this.#requestOf, {
      acknowledged: (filter) => {
        if (this.#opening === request) this.#acknowledged(request, this.#honouredOf(filter, uris));
        known.resolve(true);
      },
      notified: (notification) => this.#heardOn(request, notification),
    });
    this.#opening = request;
    void request.ended.then((again) => {
      known.resolve(again);
      this.#ended(request, again);
    });
    const again = await known.promise;
    timer.cancel();
    if (this.#held?.request !== request) request.close();
    this.#opening = null;
    return again;
  }

  #honouredOf(filter: RawObject | null, uris: readonly string[]): ReadonlySet<string> {
    const named = filter === null ? null : memberOf(filter, this.#words.filter);
    const honoured = new Set((named === null ? null : elementsOf(named, this.#south.limits))?.map(textOf));
    return new Set(uris.filter((uri) => honoured.has(this.#words.idOf(uri))));
  }

  #acknowledged(request: ListenRequest, honoured: ReadonlySet<string>): void {
    if (honoured.size === 0 || this.#closed) return;
    const before = this.#held;
    this.#held = { request, honoured };
    before?.request.close();
    if (!this.#broke) return;
    this.#broke = false;
    for (const uri of honoured) this.#words.missed(uri, this.#abilities);
  }

  #heardOn(request: ListenRequest, notification: Notification): void {
    if (this.#held?.request === request) this.#updated(notification);
  }

  #ended(request: ListenRequest, again: boolean): void {
    if (this.#held?.request !== request) return;
    this.#held = null;
    this.#broke = true;
    if (again) this.#openLater();
  }

  #openLater(): void {
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#south.clock.timer(this.#backoff.delayMs(), () => void this.#applySoon());
  }
}
