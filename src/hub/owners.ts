/**
 * Which servers named which resource to whom. A tool may answer with a link to something that no list and no template
 * holds; the client that got the link, and it alone, may read it, and only the server that gave it can answer. It hides
 * how results are searched at next to no cost, and how little is kept.
 *
 * Any member "uri" that holds a string counts, wherever it stands in the result: links, embedded resources, contents,
 * structured output. A server can name what it likes; all it wins is to be asked for that by those it answered.
 */
import type { Limits } from "../base/index.ts";
import { type Call, type RawObject, stringOf } from "../protocol/index.ts";

type Bounds = Pick<Limits, "ownersMax" | "ownersPerPrincipalMax" | "ownersCharsMax" | "uriCharsMax" | "backendsMax">;

const noOwners: readonly string[] = Object.freeze([]);
const key = '"uri"';

export class Owners {
  /** Principal → URI → servers that named it. Both levels least lately used first. */
  readonly #known = new Map<string, Map<string, readonly string[]>>();
  #size = 0;

  /** Resources remembered, of all principals. */
  get size(): number {
    return this.#size;
  }

  /** The servers that named this resource to this principal, in no order that counts. */
  of(principalId: string, uri: string): readonly string[] {
    const own = this.#known.get(principalId);
    const backends = own?.get(uri);
    if (own === undefined || backends === undefined) return noOwners;
    this.#touch(principalId, own);
    own.delete(uri);
    own.set(uri, backends);
    return backends;
  }

  /** Remembers what a server's result names for whoever made the call. */
  learn(call: Pick<Call, "method" | "params" | "principal">, backend: string, { text, open, close }: RawObject, limits: Bounds): void {
    if (close - open > limits.ownersCharsMax) return;
    const at = text.indexOf(key, open);
    if (at === -1 || at >= close) return;
    // Who owns what was just read is known already, by rules that do not depend on what was read before.
    const known = call.method === "resources/read" ? stringOf(call.params, "uri") : null;
    for (const uri of urisIn(text, at, close, limits)) if (uri !== known) this.#add(call.principal.id, uri, backend, limits);
  }

  #add(principalId: string, uri: string, backend: string, limits: Bounds): void {
    const own = this.#known.get(principalId) ?? new Map<string, readonly string[]>();
    this.#touch(principalId, own);
    const before = own.get(uri);
    if (before === undefined) this.#size += 1;
    own.delete(uri);
    own.set(uri, [...(before ?? noOwners).filter((name) => name !== backend), backend].slice(-limits.backendsMax));
    if (own.size > limits.ownersPerPrincipalMax) this.#forget(principalId, own);
    while (this.#size > limits.ownersMax) this.#forgetOne(principalId, own, limits.ownersMax / this.#known.size);
  }

  #touch(principalId: string, own: Map<string, readonly string[]>): void {
    this.#known.delete(principalId);
    this.#known.set(principalId, own);
  }

  // Whoever has more than an even share pays, the one who adds first of all: who fills the map empties his own part.
  #forgetOne(adder: string, added: Map<string, readonly string[]>, share: number): void {
    if (added.size > share) return this.#forget(adder, added);
    for (const [principalId, own] of this.#known) if (own.size > share) return this.#forget(principalId, own);
  }

  #forget(principalId: string, own: Map<string, readonly string[]>): void {
    for (const uri of own.keys()) {
      own.delete(uri);
      this.#size -= 1;
      break;
    }
    if (own.size === 0) this.#known.delete(principalId);
  }
}

// A quotation mark within a string is escaped, so the key stands in no text that is merely quoted.
function* urisIn(text: string, first: number, end: number, limits: Bounds): Generator<string> {
  const value = /\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")/y;
  let left = limits.ownersPerPrincipalMax;
  for (let at = first; at !== -1 && at < end && left > 0; at = text.indexOf(key, at + key.length)) {
    value.lastIndex = at + key.length;
    const raw = value.exec(text)?.[1];
    if (raw === undefined || raw.length > limits.uriCharsMax) continue;
    left -= 1;
    // Written anew: a slice would keep the whole result alive.
    yield JSON.parse(raw) as string;
  }
}
