/**
 * What a server's definitions were when they were trusted, and how those of now differ. A tool that was harmless when a
 * person looked at it can become another one while it keeps its name; so what a model reads of it is compared with what
 * was there before. Pure: texts in, texts out.
 */
import { type Limits, fingerprint } from "../base/index.ts";
import { type Kind, memberOf, parseObject, type Raw } from "../protocol/index.ts";
import { compareText } from "./order.ts";
import type { Inventory, Item } from "./types.ts";

/** What is pinned of each kind: what a model is told, and nothing that may honestly change all the time. */
const parts: Readonly<Partial<Record<Kind, readonly string[]>>> = Object.freeze({
  tools: ["name", "title", "description", "inputSchema", "outputSchema", "annotations"],
  prompts: ["name", "title", "description", "arguments"],
  templates: ["uriTemplate", "name", "title", "description"],
});

/** The kinds whose definitions are pinned; resources come and go by their nature. */
const pinnedKinds: readonly Kind[] = Object.freeze(["tools", "prompts", "templates"] as const);

/** The instructions of a server as one definition beside the others. */
export const instructionsKey = "instructions";

/** "tools/read" → JSON text of the definition, its members in a fixed order. */
export type Pins = ReadonlyMap<string, Raw>;

/** One definition that is not as it was. */
export interface Drift {
  /** "tools/read", "instructions". */
  readonly key: string;
  /** "changed" since it was trusted, or "new" since then. */
  readonly how: "changed" | "new";
  /** The first eight digits of the digests of what was and of what is. */
  readonly was: string | null;
  readonly is: string;
  /** The difference, in lines for a person. */
  readonly lines: readonly string[];
}

/** The key of an item among pins. */
export const pinKey = (kind: Kind, id: string): string => `${kind}/${id}`;

/** Everything of an inventory that is pinned. Of items with one name the first counts. */
export function pinsOf({ lists, instructions }: Inventory, limits: Limits): Pins {
  const pins = new Map<string, Raw>();
  for (const kind of pinnedKinds) {
    for (const item of lists[kind]) {
      const key = pinKey(kind, item.id);
      if (!pins.has(key)) pins.set(key, definitionOf(kind, item, limits));
    }
  }
  if (instructions !== null) pins.set(instructionsKey, JSON.stringify({ instructions }));
  return pins;
}

function definitionOf(kind: Kind, { raw }: Item, limits: Limits): Raw {
  const object = parseObject(raw, limits);
  const members = (parts[kind] ?? []).flatMap((name) => {
    const value = object === null ? null : memberOf(object, name);
    return value === null ? [] : [`${JSON.stringify(name)}:${canonical(value)}`];
  });
  return `{${members.join(",")}}`;
}

// Texts of numbers are kept: 1.10 and 1.1 are the same to every reader, but two that differ in the twentieth digit are not.
function canonical(raw: Raw): Raw {
  return sorted(valueOf(raw));
}

// Looking at every number costs much more than reading them, and most definitions have none that could be changed by it.
const valueOf = (raw: Raw): unknown => (/\d{16}|\d[.eE]/.test(raw) ? JSON.parse(raw, numberAsWritten) : JSON.parse(raw));

/** A number as the text that it was written as, when that is not what it is read as. */
class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function numberAsWritten(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined && !Number.isSafeInteger(value) ? new Digits(context.source) : value;
}

function sorted(value: unknown): Raw {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sorted(member)}`).join(",")}}`;
}

/** SHA-256 of a definition, in hex. */
const digestOf = (definition: Raw): string => fingerprint(definition);

const digestCharsShown = 8;
const shortOf = (definition: Raw): string => digestOf(definition).slice(0, digestCharsShown);

/** One digest for all that differs, so that nobody accepts anything but what was shown. */
export const digestOfDrifts = (drifts: readonly Drift[]): string => fingerprint(drifts.map(({ key, is, was }) => [key, is, was]));

/**
 * How the definitions of now differ from those that were trusted. What is gone differs in nothing: it does no harm, and
 * should it come back, it is compared with what it was. A kind of which nothing was ever trusted is new as a whole, and
 * not told here.
 */
export function driftsOf(trusted: Pins, now: Pins): readonly Drift[] {
  const known = new Set([...trusted.keys()].map(kindOfKey));
  return [...now].flatMap(([key, definition]) => {
    const was = trusted.get(key);
    if (was === definition || (was === undefined && !known.has(kindOfKey(key)))) return [];
    return [Object.freeze({ key, how: was === undefined ? ("new" as const) : ("changed" as const), was: was === undefined ? null : shortOf(was), is: shortOf(definition), lines: differenceOf(was ?? null, definition) })];
  });
}

const kindOfKey = (key: string): string => key.slice(0, key.indexOf("/") + 1) || key;

/** Pins of which nobody knows any more what they were: nothing is as it was then. */
export const lostPins = (): Pins => new Map([...pinnedKinds.map((kind) => pinKey(kind, "")), instructionsKey].map((key) => [key, ""]));

/** What is trusted once everything of now is: what is gone stays known. */
export const withAll = (trusted: Pins, now: Pins): Pins => new Map([...trusted, ...now]);

/** Of kinds of which nothing was trusted yet, everything that there is now: whoever is seen for the first time is taken as he is. */
export function firstSeen(trusted: Pins, now: Pins): Pins {
  const known = new Set([...trusted.keys()].map(kindOfKey));
  return new Map([...now].filter(([key]) => !known.has(kindOfKey(key))));
}

// ---- The difference, for a person

const linesMax = 40;
const charsMax = 300;

/** Two definitions, member by member: what was with "-", what is with "+"; a long text only from where it differs. */
function differenceOf(was: Raw | null, now: Raw): readonly string[] {
  const [before, after] = [flat(was), flat(now)];
  const lines = [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [old, fresh] = [before.get(path), after.get(path)];
    if (old === fresh) return [];
    const from = old === undefined || fresh === undefined ? 0 : commonStart(old, fresh);
    return [...(old === undefined ? [] : [`- ${path}: ${excerpt(old, from)}`]), ...(fresh === undefined ? [] : [`+ ${path}: ${excerpt(fresh, from)}`])];
  });
  return lines.length <= linesMax ? lines : [...lines.slice(0, linesMax), `… and ${lines.length - linesMax} lines more`];
}

/** Every leaf by its path. */
function flat(definition: Raw | null): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  if (definition === null || definition === "") return leaves;
  const walk = (value: unknown, path: string): void => {
    const isBranch = typeof value === "object" && value !== null && !(value instanceof Digits) && Object.keys(value).length > 0;
    if (!isBranch) leaves.set(path, sorted(value));
    else for (const [name, member] of Object.entries(value)) walk(member, path === "" ? name : `${path}.${name}`);
  };
  walk(valueOf(definition), "");
  return leaves;
}

const context = 20;

function commonStart(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return Math.max(0, at - context);
}

function excerpt(text: string, from: number): string {
  const shown = text.slice(from, from + charsMax).toWellFormed();
  return `${from > 0 ? "…" : ""}${shown}${from + charsMax < text.length ? "…" : ""}`;
}
