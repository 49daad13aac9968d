/**
 * Which servers a URL asks for: `?preset=`, `?tags=`, `?tag-filter=` or `?filter=`, on every endpoint. Whatever form it
 * has, what comes of it is one canonical expression. One that cannot be read is refused with its place: an empty list
 * would look as if there were nothing.
 */
import { defaultLimits, type Fault, fault } from "../base/index.ts";
import { bothOf, missingPreset, type ParsedFilter, parseFilter, parseTagList, printFilter, type TagQuery } from "../config/index.ts";
import type { Selection } from "../protocol/index.ts";

/** The names of presets that there are now. */
export interface PresetNames {
  has(name: string): boolean;
}

const parsePreset = (text: string): ParsedFilter => (/^[A-Za-z0-9_.-]+$/.test(text) ? parseFilter(`preset:${text}`) : { ok: false, at: 0, problem: "this is not the name of a preset" });

const parameters: Readonly<Record<string, (text: string) => ParsedFilter>> = Object.freeze({ preset: parsePreset, tags: parseTagList, "tag-filter": parseFilter, filter: parseFilter });

/** What the query of a URL makes of the selection that its path made; the same object where it says nothing of it. Gives SELECTION_INVALID. */
export function selectionOf(url: string, selection: Selection, presets: PresetNames): Selection | Fault {
  const start = url.indexOf("?");
  // Nearly every call: nothing is made for it.
  if (start < 0) return selection;
  const [first, another] = [...new URLSearchParams(url.slice(start + 1))].filter(([name]) => Object.hasOwn(parameters, name));
  if (first === undefined) return selection;
  const [name, text] = first;
  if (another !== undefined) return refused(name === another[0] ? `${name} is given twice` : `${name} and ${another[0]} are given; only one of them can be`, name, null);
  const parsed = (parameters[name] ?? parseFilter)(text);
  return parsed.ok ? narrowed(selection, parsed.query, name, presets) : refused(`${name}, character ${parsed.at + 1}: ${parsed.problem}`, name, parsed.at);
}

function narrowed({ server, filter }: Selection, query: TagQuery, name: string, presets: PresetNames): Selection | Fault {
  const missing = missingPreset(query, presets);
  if (missing !== null) return refused(`there is no preset “${missing}”`, name, null);
  const outer = filter === undefined ? null : parseFilter(filter);
  const text = printFilter(outer?.ok === true ? bothOf([outer.query, query]) : query);
  return text.length > defaultLimits.filterCharsMax ? refused(`with what the proxy was started with it is longer than limits.filterCharsMax (${defaultLimits.filterCharsMax})`, name, null) : { server, filter: text };
}

const refused = (detail: string, parameter: string, position: number | null): Fault => fault("SELECTION_INVALID", { detail, data: position === null ? { parameter } : { parameter, position } });

/** The same selection as a query, for an address that is handed out; "" for none. */
export const queryOf = ({ filter }: Selection): string => (filter === undefined ? "" : `?filter=${encodeURIComponent(filter)}`);
