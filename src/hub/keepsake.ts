/**
 * What one server offers as the text of a file, and back. A file may be old, cut short, or somebody else's: everything in
 * it is checked before it is used, JSON texts as strictly as if they came from the server, since they are put into
 * answers as they stand.
 */
import * as v from "valibot";
import type { Offered } from "../backend/index.ts";
import { fingerprint, type Limits } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import { type Kind, parseObject, type Raw } from "../protocol/index.ts";

/** What a text came to: something to offer, nothing for this entry as it is now, or no text of ours. */
export type Recalled = { readonly kind: "offered"; readonly offered: Offered } | { readonly kind: "outdated" } | { readonly kind: "broken" };

/** Raised whenever the form changes. */
const form = 1;

const outdated: Recalled = Object.freeze({ kind: "outdated" });
const broken: Recalled = Object.freeze({ kind: "broken" });

const list = v.object({
  items: v.array(v.string()),
  cache: v.object({ ttlMs: v.pipe(v.number(), v.integer(), v.minValue(0)), scope: v.picklist(["public", "private"]) }),
});

const schema = v.object({
  form: v.literal(form),
  server: v.string(),
  entry: v.string(),
  fetchedAt: v.number(),
  facts: v.object({
    info: v.string(),
    capabilities: v.array(v.tuple([v.string(), v.string()])),
    instructions: v.nullable(v.string()),
    revision: v.string(),
    announces: v.boolean(),
    subscribes: v.boolean(),
  }),
  lists: v.object({ tools: list, prompts: list, resources: list, templates: list }),
});

type Kept = v.InferOutput<typeof schema>;

/** Names the entry without showing anything of it: what it holds may be secret. */
const entryOf = (spec: BackendSpec): string => fingerprint(["inventory", spec.fingerprint]);

/** The text for what a server offers. Equal offers give equal texts, whenever they were fetched, but for `fetchedAt`. */
export function textOf(spec: BackendSpec, { facts, lists }: Offered, fetchedAt: number): string {
  const { info, instructions, revision, announces, subscribes } = facts;
  const kept: Kept = {
    form,
    server: spec.name,
    entry: entryOf(spec),
    fetchedAt,
    facts: { info, capabilities: [...facts.capabilities], instructions, revision, announces, subscribes },
    lists: { tools: mutable(lists.tools), prompts: mutable(lists.prompts), resources: mutable(lists.resources), templates: mutable(lists.templates) },
  };
  return `${JSON.stringify(kept)}\n`;
}

const mutable = ({ items, cache }: Offered["lists"][Kind]): Kept["lists"][Kind] => ({ items: [...items], cache: { ...cache } });

/** Reads such a text for this entry. Never throws. */
export function parseKept(text: string, spec: BackendSpec, limits: Limits): Recalled {
  const parsed = v.safeParse(schema, valueOf(text));
  if (!parsed.success) return broken;
  const { server, entry, facts, lists, fetchedAt } = parsed.output;
  if (server !== spec.name || entry !== entryOf(spec)) return outdated;
  const all = Object.values(lists);
  const isSound = all.every(({ items }) => items.length <= limits.listItemsMax && items.every(isObject)) && isObject(facts.info) && facts.capabilities.every(([, raw]) => isValue(raw));
  return isSound ? { kind: "offered", offered: Object.freeze({ facts: Object.freeze({ ...facts, capabilities: new Map(facts.capabilities) }), lists, fetchedAt }) } : broken;

  function isObject(raw: Raw): boolean {
    return parseObject(raw, limits) !== null;
  }

  function isValue(raw: Raw): boolean {
    const holder = parseObject(`{"value":${raw}}`, limits);
    return holder?.members.length === 1;
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told apart from nothing else: it is not what was written here.
    return null;
  }
}
