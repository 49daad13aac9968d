/**
 * What clients check of each listed item (2026-07-28, schema). They check a list as a whole, so one odd member of one
 * item would cost them every item of every server: in lists of all servers what no client reads is left out. Members
 * that nobody knows are nobody's business here, and a sound item keeps every byte.
 */
import type { Limits } from "../base/index.ts";
import { editObject, elementsOf, type Kind, memberOf, parseObject, quote, type Raw, type RawObject, rawOf } from "../protocol/index.ts";

/** Gives the value as clients can read it, the same text where they can already; null where it cannot stand. */
type Mend = (raw: Raw, limits: Limits) => Raw | null;

const text: Mend = (raw) => (raw.startsWith('"') ? raw : null);
const flag: Mend = (raw) => (raw === "true" || raw === "false" ? raw : null);
const number: Mend = (raw) => (/^[-\d]/.test(raw) ? raw : null);
const share: Mend = (raw) => (/^[-\d]/.test(raw) && Number(raw) >= 0 && Number(raw) <= 1 ? raw : null);
const instant: Mend = (raw) => (/^"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)"$/.test(raw) && !Number.isNaN(Date.parse(raw.slice(1, -1))) ? raw : null);
const oneOf =
  (...words: readonly string[]): Mend =>
  (raw) =>
    words.includes(raw.slice(1, -1)) && raw.startsWith('"') ? raw : null;

/** An object; members of these names that cannot stand are left out, and without `needed` it cannot stand itself. */
function object(members: Readonly<Record<string, Mend>>, needed: string | null = null): Mend {
  return (raw, limits) => {
    const value = parseObject(raw, limits);
    if (value === null) return null;
    const changes = changesOf(value, members, limits);
    if (needed !== null && (memberOf(value, needed) === null || changes[needed] === null)) return null;
    return edited(value, changes);
  };
}

/** A list of what can stand of its elements; `strictly`: of all of them, or it cannot stand itself. */
function list(element: Mend, strictly = false): Mend {
  return (raw, limits) => {
    const elements = elementsOf(raw, limits);
    if (elements === null) return null;
    const mended = elements.map((one) => element(one, limits)).filter((one) => one !== null);
    if (mended.length < elements.length) return strictly ? null : `[${mended.join(",")}]`;
    return mended.every((one, index) => one === elements[index]) ? raw : `[${mended.join(",")}]`;
  };
}

/** Changes that make the members of these names readable; null for one that cannot stand. */
function changesOf(value: RawObject, members: Readonly<Record<string, Mend>>, limits: Limits): Record<string, Raw | null> {
  const changes: Record<string, Raw | null> = {};
  for (const { end, key, start } of value.members) {
    const mend = Object.hasOwn(members, key) ? members[key] : undefined;
    if (mend === undefined) continue;
    const raw = value.text.slice(start, end);
    const mended = mend(raw, limits);
    if (mended !== raw) changes[key] = mended;
  }
  return changes;
}

function edited(value: RawObject, changes: Readonly<Record<string, Raw | null>>): Raw {
  for (const _ in changes) return editObject(value, changes);
  return rawOf(value);
}

// A schema may be `true` or `false`, which says the same as an object but is not read by every client.
const schemaOfOne: Mend = (raw) => {
  if (raw === "true") return "{}";
  if (raw === "false") return '{"not":{}}';
  return raw.startsWith("{") ? raw : null;
};

const properties: Mend = (raw, limits) => {
  const value = parseObject(raw, limits);
  if (value === null) return null;
  const changes: Record<string, Raw> = {};
  for (const { end, key, start } of value.members) {
    const schema = value.text.slice(start, end);
    const mended = schemaOfOne(schema, limits);
    if (mended === null) return null;
    if (mended !== schema) changes[key] = mended;
  }
  return edited(value, changes);
};

const schemaMembers = Object.freeze({ properties, required: list(text, true) });

/** A schema of objects as every client can read it; null where it is none. */
export function objectSchema(schema: RawObject, limits: Limits): RawObject | null {
  const changes = changesOf(schema, schemaMembers, limits);
  for (const key in changes) {
    if (changes[key] === null) return null;
    return parseObject(editObject(schema, changes), limits);
  }
  return schema;
}

// Only of objects is the inside checked by clients; what else it may describe is for those that know all of JSON Schema.
const outputSchema: Mend = (raw, limits) => {
  const schema = parseObject(raw, limits);
  if (schema === null || memberOf(schema, "type") !== '"object"') return schema === null ? null : raw;
  const mended = objectSchema(schema, limits);
  if (mended === null) return null;
  return mended === schema ? raw : rawOf(mended);
};

const icons = list(object({ src: text, mimeType: text, sizes: list(text), theme: oneOf("light", "dark") }, "src"));
const described = Object.freeze({ title: text, description: text, icons, _meta: object({}) });
const annotations = object({ audience: list(oneOf("user", "assistant")), priority: share, lastModified: instant });

const shapes: Readonly<Record<Kind, Readonly<Record<string, Mend>>>> = Object.freeze({
  tools: {
    ...described,
    outputSchema,
    annotations: object({ title: text, readOnlyHint: flag, destructiveHint: flag, idempotentHint: flag, openWorldHint: flag }),
    execution: object({ taskSupport: oneOf("required", "optional", "forbidden") }),
  },
  prompts: { ...described, arguments: list(object({ name: text, title: text, description: text, required: flag }, "name"), true) },
  resources: { ...described, name: text, mimeType: text, size: number, annotations },
  templates: { ...described, name: text, mimeType: text, annotations },
});

/** An item that every client can read, and what it lost for that; null where it cannot be shown. */
export interface Shaped {
  readonly item: RawObject;
  readonly lost: readonly string[];
}

/** The item as every client can read it. `id` is its name or URI. A prompt without readable arguments cannot be used. */
export function shapedOf(kind: Kind, item: RawObject, id: string, limits: Limits): Shaped | null {
  const changes = changesOf(item, shapes[kind], limits);
  if (changes["arguments"] === null) return null;
  const lost = Object.keys(changes);
  // Clients need a name; what has none is known by its URI.
  if ((kind === "resources" || kind === "templates") && (changes["name"] === null || memberOf(item, "name") === null)) changes["name"] = quote(id);
  for (const _ in changes) {
    const shaped = parseObject(editObject(item, changes), limits);
    return shaped === null ? null : { item: shaped, lost };
  }
  return { item, lost };
}
