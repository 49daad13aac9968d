/**
 * `{{name}}` and `{{#if name}}…{{else}}…{{/if}}` in the entries of templates. A value is put in as it is, byte for byte:
 * it is a program's argument, not a web page, and nothing in it is ever looked at again. What cannot be read is told with
 * its place, and a name that has no value is told too: a template never goes to a program as it was written.
 */

/** Values by name; a dot goes into what is inside. */
export type Context = Readonly<Record<string, unknown>>;

/** A part of a template that was read. */
type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly path: string }
  | { readonly kind: "each"; readonly path: string; readonly then: readonly Part[] }
  | { readonly kind: "if"; readonly test: Test; readonly then: readonly Part[]; readonly otherwise: readonly Part[] };

interface Test {
  readonly operator: keyof typeof operators;
  readonly path: string;
  readonly text: string;
}

export type ParsedTemplate = { readonly ok: true; readonly parts: readonly Part[] } | { readonly ok: false; readonly at: number; readonly problem: string };

/** What became of a template. */
export interface Rendered {
  readonly text: string;
  /** Names without a value. */
  readonly missing: readonly string[];
}

const operators = Object.freeze({
  if: (value: string) => value !== "" && value !== "false",
  unless: (value: string) => value === "" || value === "false",
  eq: (value: string, text: string) => value === text,
  ne: (value: string, text: string) => value !== text,
  contains: (value: string, text: string) => value.includes(text),
  startsWith: (value: string, text: string) => value.startsWith(text),
  endsWith: (value: string, text: string) => value.endsWith(text),
});

const namespaces: readonly string[] = Object.freeze(["project", "user", "environment", "transport"]);
const depthMax = 16;

/** Which names a template may use. */
export interface Names {
  isKnown(path: string): boolean;
  /** For the hint. */
  readonly some: string;
}

const ofProjects: Names = Object.freeze({
  isKnown: (path: string) => /^[A-Za-z_][\w-]*(\.[\w-]+)+$/.test(path) && namespaces.includes(path.split(".")[0] ?? ""),
  some: namespaces.map((name) => `${name}.…`).join(", "),
});

/** Whether a text has anything to fill in. */
export const isTemplate = (text: string): boolean => text.includes("{{");

/** Reads a template, which may use these names; left out: those of a project. Never throws. */
export function parseTemplate(text: string, names: Names = ofProjects): ParsedTemplate {
  try {
    return { ok: true, parts: new Reading(text, names).whole() };
  } catch (thrown) {
    if (!(thrown instanceof Mistake)) throw thrown;
    return { ok: false, at: thrown.at, problem: thrown.message };
  }
}

/** Leaves the reading from any depth; never leaves this file. */
class Mistake extends Error {
  readonly at: number;

  constructor(at: number, problem: string) {
    super(problem);
    this.at = at;
  }
}

const tag = /\{\{\{?([^{}]*)\}\}\}?/g;

class Reading {
  readonly #text: string;
  readonly #names: Names;
  #at = 0;

  constructor(text: string, names: Names) {
    this.#text = text;
    this.#names = names;
  }

  whole(): readonly Part[] {
    const { parts, end } = this.#parts(0);
    if (end !== null) throw new Mistake(this.#at, `{{${end}}} ends what nothing has begun`);
    return parts;
  }

  #parts(depth: number): { readonly parts: readonly Part[]; readonly end: string | null } {
    const parts: Part[] = [];
    for (;;) {
      const open = this.#text.indexOf("{{", this.#at);
      const text = this.#text.slice(this.#at, open < 0 ? undefined : open);
      if (text !== "") parts.push({ kind: "text", text });
      if (open < 0) return { parts, end: null };
      const word = this.#word(open);
      if (word === "else" || word.startsWith("/")) return { parts, end: word };
      parts.push(word.startsWith("#") ? this.#section(word, open, depth) : { kind: "value", path: this.#path(word, open) });
    }
  }

  #word(open: number): string {
    tag.lastIndex = open;
    const found = tag.exec(this.#text);
    if (found === null || found.index !== open) throw new Mistake(open, "{{ has no end");
    this.#at = tag.lastIndex;
    return (found[1] ?? "").trim();
  }

  #section(word: string, open: number, depth: number): Part {
    if (depth >= depthMax) throw new Mistake(open, `sections are more than ${depthMax} deep`);
    const list = /^#each\s+([\w.-]+)$/.exec(word)?.[1];
    if (list !== undefined) return { kind: "each", path: this.#path(list, open), then: this.#body(word, open, depth) };
    const test = this.#test(word, open);
    const then = this.#parts(depth + 1);
    const otherwise = then.end === "else" ? this.#parts(depth + 1) : { parts: [], end: then.end };
    if (otherwise.end !== `/${word.slice(1).split(/\s/)[0]}`) throw new Mistake(open, `{{${word}}} has no end`);
    return { kind: "if", test, then: then.parts, otherwise: otherwise.parts };
  }

  #body(word: string, open: number, depth: number): readonly Part[] {
    const { parts, end } = this.#parts(depth + 1);
    if (end !== "/each") throw new Mistake(open, `{{${word}}} has no end`);
    return parts;
  }

  #path(word: string, at: number): string {
    if (!this.#names.isKnown(word)) throw new Mistake(at, `{{${word}}} is not one of the names that there are: ${this.#names.some}`);
    return word;
  }

  // {{#if project.name}}, {{#unless …}}, {{#if (eq project.environment "production")}}
  #test(word: string, at: number): Test {
  const [, kind, plain, operator, path = "", text = ""] = /^#(if|unless)\s+(?:([\w.-]+)|\((eq|ne|contains|startsWith|endsWith)\s+([\w.-]+)\s+"([^"]*)"\))$/.exec(word) ?? [];
  if (kind === undefined) throw new Mistake(at, `{{${word}}} is nothing that is known; there are #if, #unless, #each, eq, ne, contains, startsWith and endsWith`);
  if (plain !== undefined) return { operator: kind as "if", path: this.#path(plain, at), text: "" };
  if (kind === "unless") throw new Mistake(at, `write {{#if}} with the opposite for {{${word}}}`);
    return { operator: operator as "eq", path: this.#path(path, at), text };
  }
}

/** Fills in the values; `read` gives what stands between them its meaning. */
export function renderTemplate(parts: readonly Part[], context: Context, read: (text: string) => string): Rendered {
  const missing: string[] = [];
  const whole = (all: readonly Part[], around: Context): string => all.map((part) => one(part, around)).join("");
  const one = (part: Part, around: Context): string => {
    if (part.kind === "text") return read(part.text);
    if (part.kind === "each") return itemsOf(around, part.path).map((item) => whole(part.then, { ...around, ...item })).join("");
    if (part.kind === "if") return whole(operators[part.test.operator](valueOf(around, part.test.path) ?? "", part.test.text) ? part.then : part.otherwise, around);
    const value = valueOf(around, part.path);
    if (value === null) missing.push(part.path);
    return value ?? "";
  };
  return { text: whole(parts, context), missing };
}

const itemsOf = (context: Context, path: string): readonly Context[] => {
  const value = insideOf(context, path);
  return Array.isArray(value) ? (value as readonly Context[]) : [];
};

const insideOf = (context: Context, path: string): unknown =>
  path.split(".").reduce<unknown>((inner, step) => (typeof inner === "object" && inner !== null && Object.hasOwn(inner, step) ? (inner as Record<string, unknown>)[step] : undefined), context);

function valueOf(context: Context, path: string): string | null {
  const value = insideOf(context, path);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
