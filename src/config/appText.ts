/**
 * The servers in an application's file, and the smallest change of its text that takes some away and puts one in:
 * comments, order and everything else stay as they are. Whatever the format, what comes out is read again and must say
 * what was meant and nothing else; where that cannot be had, the file is not touched.
 */
import { parse, type ParseError } from "jsonc-parser";
import { fault } from "../base/index.ts";
import type { AppFile } from "./appFiles.ts";
import type { Application } from "./applications.ts";
import { changedText } from "./jsonc.ts";
import type { AppChange, Form, Notation } from "./notation.ts";

// Both libraries are only for those who have such a file.
const notations: Readonly<Record<Application["format"], () => Promise<Notation>>> = Object.freeze({
  json: () => Promise.resolve(json),
  toml: async () => (await import("./appToml.ts")).toml,
  yaml: async () => (await import("./appYaml.ts")).yaml,
});

const json: Notation = Object.freeze({
  parse(text: string): unknown {
    if (text.trim() === "") return {};
    const errors: ParseError[] = [];
    const value: unknown = parse(text, errors, { allowTrailingComma: true });
    if (errors.length > 0) throw noJson(text, errors[0]?.offset ?? 0);
    return value;
  },
  change(text: string, { key }: Form, { remove, set }: AppChange): string {
    const whole = text.trim() === "" ? "{\n}\n" : text;
    const without = remove.reduce((left, name) => changedText(left, { path: [...key, name], value: undefined }), whole);
    return set === null ? without : changedText(without, { path: [...key, set.name], value: set.value });
  },
});

function noJson(text: string, offset: number): Error {
  return new Error(`line ${text.slice(0, offset).split("\n").length}: it is not JSON`);
}

/** A text, and where it is from. */
type Source = Pick<AppFile, "path" | "text">;

/** The servers by name, in the order of the file; throws APP_UNREADABLE where it is not what the application writes. */
export async function serversIn(form: Form, { path, text }: Source): Promise<ReadonlyMap<string, unknown>> {
  const notation = await notations[form.format]();
  return told(path, () => new Map(membersOf(notation.parse(text), form)));
}

/** The text after the change. Throws APP_UNREADABLE, also where the change cannot be made without harm to the rest. */
export async function changedAppText(form: Form, { path, text }: Source, change: AppChange): Promise<string> {
  const notation = await notations[form.format]();
  return told(path, () => {
    const after = notation.change(text, form, change);
    if (!isMeant(form, change, notation.parse(text), readAgain(notation, after))) throw new Error(unchangeable);
    return after;
  });
}

const unchangeable = "its servers stand there in a form that cannot be changed without touching the rest";

/** What came out. Where it cannot be read the mistake is ours, and nobody would find it in his file. */
function readAgain({ parse: read }: Notation, after: string): unknown {
  try {
    return read(after);
  } catch (cause) {
    throw new Error(unchangeable, { cause });
  }
}

function isMeant(form: Form, { remove, set }: AppChange, before: unknown, after: unknown): boolean {
  const names = [...remove, ...(set === null ? [] : [set.name])];
  const kept = membersOf(before, form).filter(([name]) => !names.includes(name));
  const wanted = set === null ? kept : [...kept, [set.name, set.value] as const];
  return Bun.deepEquals(new Map(membersOf(after, form)), new Map(wanted), true) && Bun.deepEquals(withoutKey(after, form.key), withoutKey(before, form.key), true);
}

/** What goes wrong in reading or changing, as a fault that says where. */
function told<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw fault("APP_UNREADABLE", { detail: `${path}: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause)}`, cause });
  }
}

type Member = readonly [name: string, value: unknown];

function membersOf(value: unknown, { key, shape }: Form): Member[] {
  const held = key.reduce<unknown>((inner, step) => (isObject(inner) ? inner[step] : undefined), value);
  if (held === undefined || held === null) return [];
  if (shape === "map" && isObject(held)) return Object.entries(held);
  if (shape === "list" && Array.isArray(held)) return held.map((item: unknown) => [nameIn(item), item] as const);
  throw new Error(`“${key.join(".")}” is not what the application writes there`);
}

/** A server's own name, where servers stand in a list. */
function nameIn(item: unknown): string {
  const name = isObject(item) ? item["name"] : null;
  return typeof name === "object" ? "" : String(name);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Everything but the servers; where nothing else was around them, nothing. */
function withoutKey(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (!isObject(value) || step === undefined) return value ?? {};
  const { [step]: held, ...others } = value;
  if (rest.length === 0 || held === undefined) return others;
  return { ...others, [step]: withoutKey(held, rest) };
}
