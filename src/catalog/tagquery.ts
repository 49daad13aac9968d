/**
 * Whom a tag expression selects. It is asked about servers that the caller may see, so what it says of others, negated or
 * not, opens nothing. An expression that cannot be read any more, or names a preset that is gone, selects nobody.
 */
import { type Cap, missingPreset, parseFilter, printFilter, type TagQuery } from "../config/index.ts";
import type { Presets, Server } from "./types.ts";

/** What an expression is asked about. */
type Subject = Pick<Server, "name" | "tags" | "info" | "own">;

/** Whether an expression selects a server. */
export function selectorOf(filter: string, presets: Presets): (server: Subject) => boolean {
  const parsed = parseFilter(filter);
  if (!parsed.ok || missingPreset(parsed.query, presets) !== null) return nobody;
  return (server) => isSelected(parsed.query, server, presets);
}

const nobody = (): boolean => false;

/** Whether an expression, all of whose presets are there, is true of a server. */
function isSelected(query: TagQuery, server: Subject, presets: Presets): boolean {
  switch (query.kind) {
    case "and":
      return query.of.every((one) => isSelected(one, server, presets));
    case "or":
      return query.of.some((one) => isSelected(one, server, presets));
    case "not":
      return !isSelected(query.of, server, presets);
    case "preset":
      return isSelectedBy(presets.get(query.name), server, presets);
    default:
      return isTrue(query, server);
  }
}

const isSelectedBy = (preset: { readonly query: TagQuery } | undefined, server: Subject, presets: Presets): boolean => preset !== undefined && isSelected(preset.query, server, presets);

/** What an expression is made of, and whether each part is true of a server; presets as what they stand for. */
export function partsOf(query: TagQuery, server: Subject, presets: Presets): { readonly text: string; readonly isTrue: boolean }[] {
  if (query.kind === "not") return partsOf(query.of, server, presets);
  if (query.kind === "and" || query.kind === "or") return query.of.flatMap((one) => partsOf(one, server, presets));
  const inner = query.kind === "preset" ? presets.get(query.name) : undefined;
  return inner === undefined ? [{ text: printFilter(query), isTrue: isSelected(query, server, presets) }] : partsOf(inner.query, server, presets);
}

function isTrue({ kind, name }: Extract<TagQuery, { name: string }>, server: Subject): boolean {
  if (kind === "tag") return server.tags.some((tag) => tag.toLowerCase() === name);
  return kind === "server" ? server.name === name : offers(server, name as Cap);
}

// What it lists counts, not what it announces: only that can be seen. Of whom nothing is known yet anything can be
// expected, so that a list waits for him while he starts.
const offers = ({ info, own }: Subject, cap: Cap): boolean => info === null || own[cap].length > 0 || (cap === "resources" && own.templates.length > 0);
