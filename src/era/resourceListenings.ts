/**
 * The standing subscriptions to resources (or to tasks) of one modern backend: one for all subscribers who can do the same, because a
 * request to listen says once what its client can do, and a backend may go by that. A proxy of our kind finds the
 * process whose news are meant, and what it tells there is for those alone.
 */
import { fault } from "../base/index.ts";
import type { Notification, Raw } from "../protocol/index.ts";
import type { RequestOf } from "./listenRequest.ts";
import { ResourceListening } from "./resourceListening.ts";
import type { South } from "./south.ts";
import { resourceWords, type TopicWords } from "./topics.ts";

export class ResourceListenings {
  readonly #south: South;
  readonly #requestOf: (abilities: Raw) => RequestOf;
  readonly #words: TopicWords;
  readonly #byAbilities = new Map<Raw, ResourceListening>();

  /** `requestOf` writes the request for clients of these abilities in the dialect; `words` say to what. */
  constructor(south: South, requestOf: (abilities: Raw) => RequestOf, words: TopicWords = resourceWords(south)) {
    this.#south = south;
    this.#requestOf = requestOf;
    this.#words = words;
  }

  /** See Upstream. Throws LIMIT_REACHED. */
  async subscribe(uri: string, abilities: Raw): Promise<boolean> {
    const listening = this.#byAbilities.get(abilities) ?? this.#add(abilities);
    const isHeard = await listening.subscribe(uri);
    this.#drop(abilities, listening);
    return isHeard;
  }

  async unsubscribe(uri: string, abilities: Raw): Promise<void> {
    const listening = this.#byAbilities.get(abilities);
    if (listening === undefined) return;
    await listening.unsubscribe(uri);
    this.#drop(abilities, listening);
  }

  /** Takes a notification that is about a resource, or about one of the subscriptions; false when it is not. */
  take(notification: Notification): boolean {
    let isTaken = false;
    for (const listening of this.#byAbilities.values()) isTaken = listening.take(notification) || isTaken;
    return isTaken || notification.method === this.#words.method;
  }

  close(): void {
    for (const listening of this.#byAbilities.values()) listening.close();
  }

  #add(abilities: Raw): ResourceListening {
    const { limits, options } = this.#south;
    if (this.#byAbilities.size >= limits.listensPerServerMax) throw fault("LIMIT_REACHED", { backend: options.name, detail: `limits.listensPerServerMax is ${limits.listensPerServerMax}` });
    const listening = new ResourceListening(this.#south, abilities, this.#requestOf(abilities), this.#words);
    this.#byAbilities.set(abilities, listening);
    return listening;
  }

  /** Nobody of these abilities wants anything any more. */
  #drop(abilities: Raw, listening: ResourceListening): void {
    if (!listening.isIdle || this.#byAbilities.get(abilities) !== listening) return;
    this.#byAbilities.delete(abilities);
    listening.close();
  }
}
