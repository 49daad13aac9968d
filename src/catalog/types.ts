/** The catalog's words: what one backend offers, all offers merged, what one caller sees. All frozen data. */
import type { Limits } from "../base/index.ts";
import type { TagQuery, ToolRules } from "../config/index.ts";
import type { CacheHint, Kind, Raw, RawObject } from "../protocol/index.ts";

/** One tool, prompt, resource or template as the backend described it. */
export interface Item {
  /** name of a tool or prompt, uri of a resource, uriTemplate of a template. */
  readonly id: string;
  /** The backend's own JSON text. */
  readonly raw: Raw;
  /** What lists of all servers show, its own name still in it; null: nothing. */
  readonly merged: RawObject | null;
  /** False where not even its own server's list shows it. */
  readonly anywhere: boolean;
  /** A URI that it names without listing it (apps); null for none. */
  readonly linked: string | null;
  /** What is wrong with it, for who looks why it is not shown, or not as it came. */
  readonly flaws: readonly string[];
  /** Words of its description that could be names of tools. */
  readonly mentions: readonly string[];
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
  /** Which other tools there are, and under what names; absent or null: all, as they are. */
  readonly tools?: ToolRules | null;
  readonly instructionOverride: string | null;
  /** Whoever may not use it does not learn that it is there. */
  readonly hidden?: boolean;
  readonly inventory: Inventory | null;
  /** Keys of definitions that are not what was trusted, and that nobody gets to see. */
  readonly withheld?: ReadonlySet<string> | null;
  /** The backend does not answer at present and `inventory` is what it offered last: listed, but not to be cached. */
  readonly stale?: boolean;
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

/** One backend inside a catalog. */
export interface Server {
  readonly name: string;
  readonly tags: readonly string[];
  /** Whoever may not use it does not learn that it is there. */
  readonly hidden: boolean;
  /** What stands before the separator of its public names; "" for none. */
  readonly prefix: string;
  /** Its own instructions or the operator's; null for none. */
  readonly instructions: string | null;
  /** Its own identity as JSON text; null while nothing is known of it. */
  readonly info: Raw | null;
  /** JSON text of what may be announced when it alone is selected. */
  readonly capabilities: Raw;
  /** Everything it lists, under its own names, as it came and in its own order. */
  readonly own: Readonly<Record<Kind, readonly Entry[]>>;
  /** What it contributes to lists of all servers, under public names, sorted. */
  readonly merged: Readonly<Record<Kind, readonly Entry[]>>;
  /** Its URI templates, ready to match. */
  readonly patterns: readonly Pattern[];
  /** URIs that its tools name without listing them (apps). */
  readonly linked: ReadonlySet<string>;
  /** Until when each list may be cached (ms since the epoch; 0: not at all; null: it has no part in that list). */
  readonly fresh: Readonly<Record<Kind, Freshness | null>>;
}

/** How long a list may be kept, and by whom. */
export interface Freshness {
  /** Milliseconds since the epoch; 0 where nothing may be kept. */
  readonly until: number;
  readonly scope: CacheHint["scope"];
}

/** Named selections. */
export type Presets = ReadonlyMap<string, { readonly query: TagQuery }>;

/** All offers merged. Frozen. */
export interface Catalog {
  /** In the configured order. */
  readonly servers: readonly Server[];
  readonly separator: string;
  /** What all servers together have as instructions; null: what they say themselves. */
  readonly instructions: string | null;
  /** Callers of all servers find tools by searching, in place of a list of them. */
  readonly searched: boolean;
  /** What was read for searching: it lives as long as the catalog, and is no part of what the catalog says. */
  readonly indexes: WordIndexes;
  /** The same as a template; null: none is in use. */
  readonly instructionTemplate: string | null;
  readonly limits: Limits;
  /** What the names of presets in selections stand for. */
  readonly presets: Presets;
  /** In a fixed order, whatever came first. */
  readonly problems: readonly Problem[];
}

/** One list as one caller sees it. */
export interface ViewList {
  readonly kind: Kind;
  readonly entries: readonly Entry[];
  /** Public name (or an unambiguous alias of one) → who answers. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly fresh: Freshness;
  /** The whole list, joined at the first use. */
  whole(): WholeList;
}

/** A list in one piece. */
export interface WholeList {
  readonly items: readonly Raw[];
  /** The list's result object. */
  readonly result: RawObject;
}

/** By word: in which tools of a list it stands, and how much it counts there. */
export type WordIndex = ReadonlyMap<string, { readonly at: number[]; readonly counts: number[] }>;

/** The indexes that are kept. */
export interface WordIndexes {
  /** Stems, each with those of words that say nearly the same. */
  readonly related: ReadonlyMap<string, readonly string[]>;
  of(finder: Finder, make: () => WordIndex): WordIndex;
}

/** Finds tools by words. */
export interface Finder {
  /** The best matches, the best one first; a tool of just this name is before all others. */
  find(query: string, max: number): readonly Entry[];
}

/** What a caller with certain scopes sees of a selection. Frozen; knows nothing of who the caller is. */
export interface View {
  /** The one server selected, or null for all. */
  readonly server: string | null;
  /** The tag expression that narrowed it; null for none. */
  readonly filter: string | null;
  /** False when the selected server does not exist or is not this caller's to see. */
  readonly found: boolean;
  /** Visible servers in the configured order. */
  readonly servers: readonly Server[];
  readonly separator: string;
  /** The operator's instructions for all servers together, "" for none; null: what they say themselves. */
  readonly instructions: string | null;
  /** The same as a template; null: none is in use. */
  readonly instructionTemplate: string | null;
  readonly limits: Limits;
  readonly lists: Readonly<Record<Kind, ViewList>>;
  /** Finds the tools that are not listed, but can be called; null: all are listed. */
  readonly finder: Finder | null;
  /** Exact URI → the backends that list it, in the configured order. */
  readonly owners: ReadonlyMap<string, readonly Route[]>;
  /** Exact URI → the backends whose tools name it without listing it (apps), in the configured order. */
  readonly linked: ReadonlyMap<string, readonly Route[]>;
  /** URI templates, the most literal first. */
  readonly patterns: readonly Pattern[];
  /** URI scheme → the only backend that lists URIs of it; null where several do. */
  readonly schemes: ReadonlyMap<string, string | null>;
}

/** A URI template of a backend, ready to match. */
export interface Pattern {
  readonly template: string;
  readonly backend: string;
  /** The text before the first expression; a URI without it cannot match. */
  readonly prefix: string;
  /** Steps that one match costs for each character of the URI. */
  readonly steps: number;
  matches(uri: string): boolean;
}

/** One page of a list. */
export interface Page {
  readonly items: readonly Raw[];
  readonly nextCursor: string | null;
  /** The list's result object, `nextCursor` included. */
  readonly result: RawObject;
  readonly cache: CacheHint;
}
