/**
 * Tools by words: BM25 over three fields of each definition, a word of a name counting more than one of a description or
 * of a parameter (BM25F: Robertson, Zaragoza, Taylor, “Simple BM25 extension to multiple weighted fields”, 2004). Made of
 * one caller's tools alone, so that neither what is found nor how it is ranked says anything of what he may not see.
 */
import type { Limits } from "../base/index.ts";
import { objectOf, parseObject, type RawObject, stringOf } from "../protocol/index.ts";
import { compareText } from "./order.ts";
import type { Entry, Finder, WordIndex, WordIndexes } from "./types.ts";
import { relatedStems, stemOf, wordsOf } from "./words.ts";

/** How much a word counts for the tool in whose field it stands, and how much the length of that field takes from it. */
const fields = Object.freeze({
  name: { weight: 4, length: 0.3 },
  description: { weight: 1, length: 0.6 },
  parameters: { weight: 0.5, length: 0.6 },
});
/** How soon more of the same word counts no more. */
const saturation = 1.2;

type Field = keyof typeof fields;
const fieldNames = Object.freeze(["name", "description", "parameters"] as const);

/** Finds among these tools; what they say is read at the first search, and again where the index has been given up meanwhile. */
export const createFinder = (entries: readonly Entry[], limits: Limits, indexes: WordIndexes): Finder => Object.freeze(new IndexFinder(entries, limits, indexes));

class IndexFinder implements Finder {
  readonly #entries: readonly Entry[];
  readonly #limits: Limits;
  readonly #indexes: WordIndexes;

  constructor(entries: readonly Entry[], limits: Limits, indexes: WordIndexes) {
    this.#entries = entries;
    this.#limits = limits;
    this.#indexes = indexes;
  }

  find(query: string, max: number): readonly Entry[] {
    const text = query.slice(0, this.#limits.searchQueryCharsMax);
    const scores = scoresOf(this.#index(), termsOf(text, this.#indexes.related), this.#entries.length);
    const named = text.trim();
    this.#entries.forEach((entry, at) => entry.public === named && (scores[at] = Number.POSITIVE_INFINITY));
    return this.#entries
      .flatMap((entry, at) => ((scores[at] ?? 0) > 0 ? [{ entry, score: scores[at] ?? 0 }] : []))
      .sort((a, b) => compareNumber(b.score, a.score) || compareText(a.entry.public, b.entry.public))
      .slice(0, max)
      .map(({ entry }) => entry);
  }

  #index(): WordIndex {
    return this.#indexes.of(this, () => indexOf(this.#entries, this.#limits));
  }
}

// Two infinities have no difference.
const compareNumber = (a: number, b: number): number => (a === b ? 0 : a - b);

/** The indexes of the callers who searched last: each has some megabytes for a thousand tools, and there can be many callers. */
export class Indexes implements WordIndexes {
  readonly #max: number;
  readonly #kept = new Map<Finder, WordIndex>();
  #related: ReadonlyMap<string, readonly string[]> | null = null;

  constructor({ searchIndexesMax }: Pick<Limits, "searchIndexesMax">) {
    this.#max = searchIndexesMax;
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** Made when somebody searches for the first time. */
  get related(): ReadonlyMap<string, readonly string[]> {
    return (this.#related ??= relatedStems());
  }

  /** The index of this finder, which is now the last one that was used. */
  of(finder: Finder, make: () => WordIndex): WordIndex {
    const index = this.#kept.get(finder) ?? make();
    this.#kept.delete(finder);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= this.#max && oldest.done === false) this.#kept.delete(oldest.value);
    this.#kept.set(finder, index);
    return index;
  }
}

/** The words of one tool, by field. */
type Words = Readonly<Record<Field, readonly string[]>>;

function indexOf(entries: readonly Entry[], limits: Limits): WordIndex {
  const stems = new Map<string, string>();
  const stemmed = (text: string): string[] => wordsOf(text).map((word) => stems.get(word) ?? remembered(stems, word));
  const all = entries.map((entry) => wordsOfTool(entry, limits, stemmed));
  const averages = byField((field) => all.reduce((sum, words) => sum + words[field].length, 0) / Math.max(1, all.length));
  const index = new Map<string, { at: number[]; counts: number[] }>();
  all.forEach((words, at) => {
    for (const [word, count] of countsOf(words, averages)) {
      const known = index.get(word);
      if (known === undefined) index.set(word, { at: [at], counts: [count] });
      else {
        known.at.push(at);
        known.counts.push(count);
      }
    }
  });
  return index;
}

function remembered(stems: Map<string, string>, word: string): string {
  const stem = stemOf(word);
  stems.set(word, stem);
  return stem;
}

const byField = <T>(of: (field: Field) => T): Readonly<Record<Field, T>> => ({ name: of("name"), description: of("description"), parameters: of("parameters") });

function wordsOfTool(entry: Entry, limits: Limits, words: (text: string) => string[]): Words {
  const tool = parseObject(entry.raw, limits);
  if (tool === null) return { name: words(entry.public), description: [], parameters: [] };
  return {
    name: words(`${entry.public} ${stringOf(tool, "title") ?? ""}`),
    description: words((stringOf(tool, "description") ?? "").slice(0, limits.searchDescriptionCharsMax)),
    parameters: words(parametersOf(tool)),
  };
}

function parametersOf(tool: RawObject): string {
  const schema = objectOf(tool, "inputSchema");
  const properties = schema === null ? null : objectOf(schema, "properties");
  return properties === null ? "" : properties.members.map(({ key }) => key).join(" ");
}

/** How often each word stands in the tool, each field counting as it is worth. */
function countsOf(words: Words, averages: Readonly<Record<Field, number>>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const field of fieldNames) {
    const { weight, length } = fields[field];
    const worth = weight / (1 - length + (length * words[field].length) / Math.max(1, averages[field]));
    for (const word of words[field]) counts.set(word, (counts.get(word) ?? 0) + worth);
  }
  return counts;
}

/** How much a word counts that was not said, but says nearly the same; and two words as the one that they make ("roll back"). */
const relatedWeight = 0.35;
const joinedWeight = 1;

const nothing: readonly string[] = Object.freeze([]);

/** What is looked for, and how much each counts. */
function termsOf(query: string, related: WordIndexes["related"]): ReadonlyMap<string, number> {
  const terms = new Map<string, number>();
  const want = (term: string, weight: number): void => void terms.set(term, Math.max(weight, terms.get(term) ?? 0));
  const words = wordsOf(query);
  for (const [at, word] of words.entries()) {
    const stem = stemOf(word);
    want(stem, 1);
    for (const other of related.get(stem) ?? nothing) want(other, relatedWeight);
    const next = words[at + 1];
    if (next !== undefined) want(stemOf(`${word}${next}`), joinedWeight);
  }
  return terms;
}

/** The score of each tool, by its place. */
function scoresOf(index: WordIndex, terms: ReadonlyMap<string, number>, tools: number): Float64Array {
  const scores = new Float64Array(tools);
  for (const [term, weight] of terms) {
    const found = index.get(term);
    if (found === undefined) continue;
    const having = found.at.length;
    const rarity = weight * Math.log(1 + (tools - having + 0.5) / (having + 0.5));
    found.at.forEach((at, place) => {
      const count = found.counts[place] ?? 0;
      scores[at] = (scores[at] ?? 0) + rarity * (count / (saturation + count));
    });
  }
  return scores;
}
