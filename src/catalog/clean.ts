/**
 * Text of servers that would reach a model unseen by the person beside it: characters without width, marks that turn the
 * direction of writing, the tag block, and what drives a terminal. In lists of all servers it is taken out of titles and
 * descriptions, and a tool whose name holds any of it is not shown; its own server's list stays as it came. Both are told.
 * Schema values are never touched: a proxy that rewrote them would change what they accept.
 */
import type { Limits } from "../base/index.ts";
import { editObject, elementsOf, type Kind, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, stringOf } from "../protocol/index.ts";

/**
 * In this order: terminal sequences whole, other control characters but tab and line ends, marks of direction, what has no
 * width (a joiner between two pictures makes one of them and is kept), variation selectors that select nothing, tags.
 */
const hidden =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])?|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200c\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufeff\u180e\u00ad\u115f\u1160\u3164\uffa0\ufff9-\ufffb]|(?<![\p{Extended_Pictographic}\p{EMod}\ufe0f])\u200d|\u200d(?!\p{Extended_Pictographic})|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu;

// Most texts are plain ASCII without an escape: one look, and nothing is parsed.
const mayHide = /\\u|\\[bf]|[^\t\n\r -~]/;

/** The text without what cannot be seen. The same text where there is none of it. */
export const visibleText = (text: string): string => text.replace(hidden, "");

/** Whether a text holds anything that cannot be seen. */
export const hides = (text: string): boolean => text.search(hidden) !== -1;

/** Names of tools as the protocol wants them (2026-07-28, server/tools: tool names). */
const soundName = /^[A-Za-z0-9_.-]{1,128}$/;

/** An item for lists of all servers, and what had to be done to it; `item` is null where it cannot be shown there. */
export interface Cleaned {
  readonly item: RawObject | null;
  readonly flaws: readonly string[];
}

/** Cleans an item that is sound otherwise; `id` is its name or URI. */
export function cleanedOf(kind: Kind, item: RawObject, id: string, limits: Limits): Cleaned {
  const refused = refusedName(kind, id) ?? refusedSchema(kind, item, limits);
  if (refused !== null) return { item: null, flaws: [refused] };
  const work: Work = { limits, flaws: new Set() };
  const text = cleanedObject(item, textsOf[kind], work);
  if (text === null) return { item, flaws: [] };
  return { item: parseObject(text, limits), flaws: [...work.flaws] };
}

function refusedName(kind: Kind, id: string): string | null {
  if (hides(id)) return "its name holds characters that cannot be seen";
  if (kind === "tools" && !soundName.test(id)) return "its name is not made of 1 to 128 letters, digits, “_”, “.” and “-”";
  return null;
}

const schemas = Object.freeze(["inputSchema", "outputSchema"] as const);

function refusedSchema(kind: Kind, item: RawObject, { schemaCharsMax, schemaDepthMax }: Limits): string | null {
  if (kind !== "tools") return null;
  for (const name of schemas) {
    const raw = memberOf(item, name) ?? "";
    if (raw.length > schemaCharsMax) return `its ${name} is longer than limits.schemaCharsMax (${schemaCharsMax})`;
    if (depthOf(raw) > schemaDepthMax) return `its ${name} is nested deeper than limits.schemaDepthMax (${schemaDepthMax})`;
  }
  return null;
}

/** How deeply valid JSON text is nested. */
export function depthOf(raw: Raw): number {
  let [depth, deepest] = [0, 0];
  for (const [mark] of raw.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    if (mark === "[" || mark === "{") deepest = Math.max(deepest, (depth += 1));
    else if (mark === "]" || mark === "}") depth -= 1;
  }
  return deepest;
}

/** Where people's texts stand in an item: a text, an object with texts, a list of such. */
type Texts = Readonly<Record<string, "text" | { readonly inside: Texts } | { readonly each: Texts }>>;

const plain: Texts = Object.freeze({ title: "text", description: "text" });
const textsOf: Readonly<Record<Kind, Texts>> = Object.freeze({
  tools: { ...plain, annotations: { inside: { title: "text" } } },
  prompts: { ...plain, arguments: { each: plain } },
  resources: { ...plain, name: "text" },
  templates: { ...plain, name: "text" },
});

interface Work {
  readonly limits: Limits;
  readonly flaws: Set<string>;
}

/** The object's text with its texts cleaned; null where nothing had to be done. */
function cleanedObject(object: RawObject, texts: Texts, work: Work): Raw | null {
  const changes: Record<string, Raw> = {};
  for (const name in texts) {
    const cleaned = cleanedMember(object, name, texts[name] ?? "text", work);
    if (cleaned !== null) changes[name] = cleaned;
  }
  for (const _ in changes) return editObject(object, changes);
  return null;
}

function cleanedMember(object: RawObject, name: string, where: Texts[string], work: Work): Raw | null {
  if (where === "text") return cleanedText(object, name, work);
  const raw = memberOf(object, name);
  if (raw === null) return null;
  if ("each" in where) return cleanedList(raw, where.each, work);
  const inner = objectOf(object, name);
  return inner === null ? null : cleanedObject(inner, where.inside, work);
}

function cleanedList(raw: Raw, texts: Texts, work: Work): Raw | null {
  let changed = false;
  const elements = (elementsOf(raw, work.limits) ?? []).map((element) => {
    const object = parseObject(element, work.limits);
    const cleaned = object === null ? null : cleanedObject(object, texts, work);
    changed ||= cleaned !== null;
    return cleaned ?? element;
  });
  return changed ? `[${elements.join(",")}]` : null;
}

function cleanedText(object: RawObject, name: string, { limits, flaws }: Work): Raw | null {
  const raw = memberOf(object, name);
  if (raw === null || (raw.length <= limits.descriptionCharsMax && !mayHide.test(raw))) return null;
  const text = stringOf(object, name);
  if (text === null) return null;
  const seen = visibleText(text);
  if (seen !== text) flaws.add(`its ${name} holds characters that cannot be seen; they are left out`);
  const short = shortened(seen, limits.descriptionCharsMax);
  if (short !== seen) flaws.add(`its ${name} is longer than limits.descriptionCharsMax (${limits.descriptionCharsMax}); the rest is left out`);
  return short === text ? null : quote(short);
}

const shortened = (text: string, charsMax: number): string => (text.length <= charsMax ? text : `${text.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, "")}…`);

// A plain word is no name that could be meant: “search” stands in many descriptions.
const nameLike = /[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]/g;
const distinctive = /[_-]|[a-z0-9][A-Z]|\w\.\w/;

/** Words of an item's description that look like names of tools: what another server's tool of that name must be compared with. */
export function mentionsIn(item: RawObject): readonly string[] {
  const text = stringOf(item, "description") ?? "";
  const words = new Set<string>();
  for (const [word] of text.matchAll(nameLike)) if (distinctive.test(word)) words.add(word);
  return [...words];
}

/** Whether a name is one that a description can be said to mean. */
export const isDistinctive = (name: string): boolean => distinctive.test(name);

