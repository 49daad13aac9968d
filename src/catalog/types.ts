/** The catalog's words: what one backend offers, all offers merged, what one caller sees. All frozen data. */
import type { CacheHint, Kind, Raw } from "../protocol/index.ts";

/** One tool, prompt, resource or template as the backend described it. */
export interface Item {
  /** name of a tool or prompt, uri of a resource, uriTemplate of a template. */
  readonly id: string;
  /** The backend's own JSON text. */
  readonly raw: Raw;
}

/** What one backend offers. */
export interface Inventory {
  readonly lists: Readonly<Record<Kind, readonly Item[]>>;
  readonly cache: Readonly<Record<Kind, CacheHint>>;
  /** When the lists were fetched, ms since the epoch. */
  readonly fetchedAt: number;
  /** JSON text of identity; capability name → JSON text; instructions. */
  readonly info: Raw;
  readonly capabilities: ReadonlyMap<string, Raw>;
  readonly instructions: string | null;
}

/** One backend as the catalog sees it: its entry, and its inventory if one is known. */
export interface Offer {
  readonly name: string;
  readonly tags: readonly string[];
  /** What stands before the separator; "" for none. */
  readonly prefix: string;
  readonly disabledTools: readonly string[];
  readonly instructionOverride: string | null;
  readonly inventory: Inventory | null;
}

/** Who answers a public name. */
export interface Route {
  readonly backend: string;
  /** The backend's own name or URI. */
  readonly local: string;
  /** The tool's definition as the backend gave it; null for other kinds. */
  readonly tool: Raw | null;
}

/** One listed thing under its public name. */
export interface Entry {
  readonly public: string;
  readonly route: Route;
  /** JSON text with the public name in place. */
  readonly raw: Raw;
}

/** Something of a backend that could not be exposed, and why. */
export interface Problem {
  readonly backend: string;
  readonly kind: Kind;
  readonly id: string;
  readonly reason: string;
}
