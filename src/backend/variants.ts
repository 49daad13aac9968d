/**
 * Lists that an instance has to itself. All instances are taken to offer what the first one does, until one says that its
 * own lists have changed and they really have: from then on its callers are shown those, and nobody else.
 */
import type { Listed } from "../era/index.ts";
import type { Moved, Offered } from "./types.ts";

/** What one instance offers its callers. The same object as long as nothing of it has changed, so that it can be remembered. */
export class OwnOffer {
  #first: Offered | null = null;
  #moved: Moved | null = null;
  #made: Offered | null = null;

  of(first: Offered, moved: Moved): Offered {
    if (this.#made !== null && this.#first === first && this.#moved === moved) return this.#made;
    this.#first = first;
    this.#moved = moved;
    this.#made = Object.freeze({ ...first, lists: Object.freeze({ ...first.lists, ...moved }) });
    return this.#made;
  }
}

/** A list that is for some alone, whatever the server says of those who may keep it. */
export const privately = ({ items, cache }: Listed): Listed => Object.freeze({ items, cache: Object.freeze({ ...cache, scope: "private" }) });
