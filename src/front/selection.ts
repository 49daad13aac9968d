/**
 * Which servers a URL asks for: `?preset=`, `?tags=`, `?tag-filter=` or `?filter=`, on every endpoint. Whatever form it
 * has, what comes of it is one canonical expression. One that cannot be read is refused with its place: an empty list
 * would look as if there were nothing.
 */
import { Fault, fault, fixedBounds, type Limits } from "../base/index.ts";
import { bothOf, missingPreset, type ParsedFilter, parseFilter, parseTagList, printFilter, type TagQuery } from "../config/index.ts";
import type { Selection } from "../protocol/index.ts";

/** The names of presets that there are now. */
export interface PresetNames {
  has(name: string): boolean;
}

const parsePreset = (text: string): ParsedFilter => (/^[A-Za-z0-9_.-]+$/.test(text) ? parseFilter(`preset:${text}`) : { ok: false, at: 0, problem: "this is not the name of a preset" });

const parameters: Readonly<Record<string, (text: string) => ParsedFilter>> = Object.freeze({ preset: parsePreset, tags: parseTagList, "tag-filter": parseFilter, filter: parseFilter });

/** What an expression came to that was read before. */
interface Known {
  readonly name: string;
  readonly query: TagQuery;
  readonly filter: string;
}

/** Reads the queries of URLs; a client sends the same one with every request, so it is read once. */
export class Selections {
  readonly #presets: PresetNames;
  readonly #limits: Pick<Limits, "selectionsMax">;
  /** By query, and what the proxy was started with. */
  readonly #known = new Map<string, Known>();

  constructor(presets: PresetNames, limits: Pick<Limits, "selectionsMax">) {
    this.#presets = presets;
    this.#limits = limits;
  }

  /** How many expressions are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** What the query of a URL makes of the selection that its path made; the same object where it says nothing of it. Gives SELECTION_INVALID. */
  of(url: string, selection: Selection): Selection | Fault {
    const start = url.indexOf("?");
    // Nearly every call: nothing is made for it.
    if (start < 0) return selection;
    const query = url.slice(start + 1);
    const { server, filter } = selection;
    const key = filter === undefined ? query : `${query} ${filter}`;
    const known = this.#known.get(key) ?? asked(query, filter);
    if (known === null) return selection;
    if (known instanceof Fault) return known;
    this.#remember(key, known);
    const missing = missingPreset(known.query, this.#presets);
    return missing === null ? { server, filter: known.filter } : refused(`there is no preset “${missing}”`, known.name, null);
  }

  #remember(key: string, known: Known): void {
    const { selectionsMax } = this.#limits;
    if (this.#known.has(key) || key.length > fixedBounds.filterCharsMax) return;
    const oldest = this.#known.keys().next();
    if (this.#known.size >= selectionsMax && oldest.done === false) this.#known.delete(oldest.value);
    this.#known.set(key, known);
  }
}

/** What a query asks for; null: nothing. */
function asked(text: string, outer: string | undefined): Known | Fault | null {
  const [first, another] = [...new URLSearchParams(text)].filter(([name]) => Object.hasOwn(parameters, name));
  if (first === undefined) return null;
  const [name, value] = first;
  if (another !== undefined) return refused(name === another[0] ? `${name} is given twice` : `${name} and ${another[0]} are given; only one of them can be`, name, null);
  const parsed = (parameters[name] ?? parseFilter)(value);
  return parsed.ok ? narrowed(outer, parsed.query, name) : refused(`${name}, character ${parsed.at + 1}: ${parsed.problem}`, name, parsed.at);
}

function narrowed(base: string | undefined, query: TagQuery, name: string): Known | Fault {
  const outer = base === undefined ? null : parseFilter(base);
  const filter = printFilter(outer?.ok === true ? bothOf([outer.query, query]) : query);
  return filter.length > fixedBounds.filterCharsMax ? refused(`with what the proxy was started with it is longer than ${fixedBounds.filterCharsMax} characters`, name, null) : { name, query, filter };
}

const refused = (detail: string, parameter: string, position: number | null): Fault => fault("SELECTION_INVALID", { detail, data: position === null ? { parameter } : { parameter, position } });

/** What of a URL's query selects, as a query for another address that is handed out; "" for none. What the operator chose is not in it: it is not the client's to know. */
export function queryOf(url: string): string {
  const start = url.indexOf("?");
  const given = start < 0 ? [] : [...new URLSearchParams(url.slice(start + 1))].filter(([name]) => Object.hasOwn(parameters, name));
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
