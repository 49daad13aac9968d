/**
 * Tools by words: BM25 over three fields of each definition, a word of a name counting more than one of a description or
 * of a parameter (BM25F: Robertson, Zaragoza, Taylor, “Simple BM25 extension to multiple weighted fields”, 2004). Made of
 * one caller's tools alone, so that neither what is found nor how it is ranked says anything of what he may not see.
 */
import type { Limits } from "../base/index.ts";
import { objectOf, parseObject, type RawObject, stringOf } from "../protocol/index.ts";
import { compareText } from "./order.ts";
import type { Entry, Finder } from "./types.ts";
import { relatedOf, stemOf, wordsOf } from "./words.ts";

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

/** One tool, its words counted. */
interface Document {
  readonly entry: Entry;
  readonly counts: Readonly<Record<Field, ReadonlyMap<string, number>>>;
  readonly lengths: Readonly<Record<Field, number>>;
}

/** Finds among these tools; what they say is read at the first search. */
export const createFinder = (entries: readonly Entry[], limits: Limits): Finder => new Index(entries, limits);

class Index implements Finder {
  readonly #entries: readonly Entry[];
  readonly #limits: Limits;
  #made: Made | null = null;

  constructor(entries: readonly Entry[], limits: Limits) {
    this.#entries = entries;
    this.#limits = limits;
    Object.freeze(this);
  }

  find(query: string, max: number): readonly Entry[] {
    const made = (this.#made ??= madeOf(this.#entries, this.#limits));
    const text = query.slice(0, this.#limits.searchQueryCharsMax);
    const exact = this.#entries.filter((entry) => entry.public === text.trim());
    const terms = termsOf(text);
    const scored = made.documents
      .map((document) => ({ entry: document.entry, score: scoreOf(document, terms, made) }))
      .filter(({ score, entry }) => score > 0 && !exact.includes(entry))
      .sort((a, b) => b.score - a.score || compareText(a.entry.public, b.entry.public));
    return [...exact, ...scored.map(({ entry }) => entry)].slice(0, max);
  }
}

/** How much a word counts that was not said, but says nearly the same; and two words as the one that they make ("roll back"). */
const relatedWeight = 0.35;
const joinedWeight = 1;

/** What is looked for, and how much each counts. */
function termsOf(query: string): ReadonlyMap<string, number> {
  const terms = new Map<string, number>();
  const want = (term: string, weight: number): void => void terms.set(term, Math.max(weight, terms.get(term) ?? 0));
  const words = wordsOf(query);
  for (const [at, word] of words.entries()) {
    const stem = stemOf(word);
    want(stem, 1);
    for (const other of relatedOf(stem)) want(other, relatedWeight);
    const next = words[at + 1];
    if (next !== undefined) want(stemOf(`${word}${next}`), joinedWeight);
  }
  return terms;
}

interface Made {
  readonly documents: readonly Document[];
  /** In how many tools each word stands. */
  readonly spread: ReadonlyMap<string, number>;
  readonly averages: Readonly<Record<Field, number>>;
}

function madeOf(entries: readonly Entry[], limits: Limits): Made {
  const documents = entries.map((entry) => documentOf(entry, limits));
  const spread = new Map<string, number>();
  for (const { counts } of documents) {
    for (const word of new Set(fieldNames.flatMap((field) => [...counts[field].keys()]))) spread.set(word, (spread.get(word) ?? 0) + 1);
  }
  const average = (field: Field): number => documents.reduce((sum, { lengths }) => sum + lengths[field], 0) / Math.max(1, documents.length);
  return { documents, spread, averages: { name: average("name"), description: average("description"), parameters: average("parameters") } };
}

function documentOf(entry: Entry, limits: Limits): Document {
  const tool = parseObject(entry.raw, limits);
  const texts: Readonly<Record<Field, string>> = {
    name: tool === null ? entry.public : `${entry.public} ${stringOf(tool, "title") ?? ""}`,
    description: tool === null ? "" : (stringOf(tool, "description") ?? "").slice(0, limits.searchDescriptionCharsMax),
    parameters: tool === null ? "" : parametersOf(tool),
  };
  const words = { name: stemsIn(texts.name), description: stemsIn(texts.description), parameters: stemsIn(texts.parameters) };
  return {
    entry,
    counts: { name: counted(words.name), description: counted(words.description), parameters: counted(words.parameters) },
    lengths: { name: words.name.length, description: words.description.length, parameters: words.parameters.length },
  };
}

/** Names of the parameters, and what is said of each. */
function parametersOf(tool: RawObject): string {
  const properties = objectOf(objectOf(tool, "inputSchema") ?? tool, "properties");
  if (properties === null) return "";
  return properties.members.map(({ key }) => key).join(" ");
}

const stemsIn = (text: string): string[] => wordsOf(text).map(stemOf);

function counted(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function scoreOf(document: Document, terms: ReadonlyMap<string, number>, { documents, spread, averages }: Made): number {
  let score = 0;
  for (const [term, weight] of terms) {
    const frequency = frequencyOf(document, term, averages);
    if (frequency === 0) continue;
    const having = spread.get(term) ?? 0;
    score += weight * Math.log(1 + (documents.length - having + 0.5) / (having + 0.5)) * (frequency / (saturation + frequency));
  }
  return score;
}

/** How often the word stands in the tool, each field counting as it is worth. */
function frequencyOf({ counts, lengths }: Document, term: string, averages: Made["averages"]): number {
  let sum = 0;
  for (const field of fieldNames) {
    const count = counts[field].get(term);
    if (count === undefined) continue;
    const { weight, length } = fields[field];
    sum += (weight * count) / (1 - length + (length * lengths[field]) / Math.max(1, averages[field]));
  }
  return sum;
}
