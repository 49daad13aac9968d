/**
 * Presets: tag expressions under a name. What is wrong with one is told with its place inside the expression; a tag that
 * no server has is told too, since such a preset shows less than was meant.
 */
import { nearestOf } from "../base/index.ts";
import type { Document } from "./document.ts";
import { parseFilter, printFilter, type TagQuery } from "./filter.ts";
import { valueIssue } from "./issues.ts";
import type { ConfigFile } from "./schema.ts";
import type { Issue, Preset } from "./types.ts";

/** The presets by name in the order of the file, and what is wrong with those that cannot be used. */
export function presetsOf(file: Pick<ConfigFile, "presets">, document: Document): { readonly presets: ReadonlyMap<string, Preset>; readonly issues: readonly Issue[] } {
  const presets = new Map<string, Preset>();
  const issues: Issue[] = [];
  for (const [name, { filter, description = null }] of Object.entries(file.presets ?? {})) {
    const parsed = parseFilter(filter, { allowsPresets: false });
    if (parsed.ok) presets.set(name, Object.freeze({ name, description, filter: printFilter(parsed.query), query: parsed.query }));
    else issues.push(shifted(valueIssue(document, ["presets", name, "filter"], `cannot be read at character ${parsed.at + 1}: ${parsed.problem}`), filter.slice(0, parsed.at)));
  }
  return { presets, issues };
}

/** The place inside the string: behind its quote, and what stands before it as JSON has it. */
const shifted = (issue: Issue, before: string): Issue => Object.freeze({ ...issue, column: issue.column + JSON.stringify(before).length - 1 });

/** What a warning about an expression needs to know of a server. */
export interface Labelled {
  readonly name: string;
  readonly tags: readonly string[];
}

/** One sentence for each tag and server that an expression names and that there is none of. */
export function unknownIn(query: TagQuery, servers: readonly Labelled[]): readonly string[] {
  const tags = [...new Set(servers.flatMap((server) => server.tags.map((tag) => tag.toLowerCase())))];
  const names = servers.map(({ name }) => name);
  return [...new Set(namedIn(query).flatMap(({ kind, name }) => {
    if (kind === "tag") return tags.includes(name) ? [] : [unknown(`no server has the tag “${name}”`, name, tags)];
    return names.includes(name) ? [] : [unknown(`there is no server “${name}”`, name, names)];
  }))];
}

function unknown(sentence: string, name: string, among: readonly string[]): string {
  const near = nearestOf(name, among);
  return near === null ? sentence : `${sentence}; did you mean “${near}”?`;
}

function namedIn(query: TagQuery): { readonly kind: "tag" | "server"; readonly name: string }[] {
  if (query.kind === "not") return namedIn(query.of);
  if (query.kind === "and" || query.kind === "or") return query.of.flatMap(namedIn);
  return query.kind === "tag" || query.kind === "server" ? [query] : [];
}

/** The same as warnings, each at its preset. */
export const presetNotes = (presets: ReadonlyMap<string, Preset>, servers: readonly Labelled[], document: Document): Issue[] =>
  [...presets.values()].flatMap(({ name, query }) => unknownIn(query, servers).map((sentence) => valueIssue(document, ["presets", name, "filter"], `selects less than it says: ${sentence}`)));
