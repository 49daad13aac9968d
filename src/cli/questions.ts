/**
 * A server's questions to whoever sits at the terminal: a form is asked field by field, a page is shown as its address.
 * What a server wrote can drive no terminal, and its name stands before everything it asks.
 */
import { fault } from "../base/index.ts";
import { type Answer, type Ask, rawOf, type Raw } from "../protocol/index.ts";
import { tameText } from "./format.ts";
import type { Output } from "./terminal.ts";

/** Who types, line by line; null: he has gone. */
export interface Person {
  next(): Promise<string | null>;
}

/** One field of a form, as far as it is asked for. */
interface Field {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly { readonly const: string; readonly title?: string }[];
  readonly items?: { readonly enum?: readonly string[]; readonly anyOf?: readonly { readonly const: string }[] };
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Form {
  readonly message?: string;
  readonly mode?: string;
  readonly url?: string;
  readonly requestedSchema?: { readonly properties?: Readonly<Record<string, Field>>; readonly required?: readonly string[] };
}

/** What a person at a terminal can be asked, as a client says it. */
export const askable: Raw = '{"elicitation":{"form":{},"url":{}}}';
const triesMax = 3;
const cancelled: Answer = Object.freeze({ ok: true, result: '{"action":"cancel"}' });
const declined: Answer = Object.freeze({ ok: true, result: '{"action":"decline"}' });

/** Asks; throws ASK_REFUSED for what is no form and no page. */
export async function askPerson({ kind, params, backend }: Ask, person: Person, stderr: Pick<Output, "write">): Promise<Answer> {
  if (kind !== "elicitation" || params === null) throw fault("ASK_REFUSED", { backend, detail: `it asks for ${kind}, which a person at a terminal cannot give` });
  const form = JSON.parse(rawOf(params)) as Form;
  const say = (text: string): void => stderr.write(tameText(text));
  say(`[${backend}] ${form.message ?? "asks you something"}\n`);
  return form.mode === "url" ? askPage(form, person, say) : askForm(form, person, say);
}

async function askPage({ url = "" }: Form, person: Person, say: (text: string) => void): Promise<Answer> {
  say(`  open this page: ${url}\n  Is it done? [y/N] `);
  const line = await person.next();
  if (line === null) return cancelled;
  return /^y(es)?$/i.test(line.trim()) ? { ok: true, result: '{"action":"accept"}' } : declined;
}

async function askForm({ requestedSchema = {} }: Form, person: Person, say: (text: string) => void): Promise<Answer> {
  const { properties = {}, required = [] } = requestedSchema;
  const content: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(properties)) {
    const given = await askField(name, field, required.includes(name), person, say);
    if (given === null) return cancelled;
    if (given.value !== undefined) content[name] = given.value;
  }
  return { ok: true, result: JSON.stringify({ action: "accept", content }) };
}

type Given = { readonly value: unknown };

/** The value of one field, undefined where it may be left out and is; null: it is given up. */
async function askField(name: string, field: Field, isRequired: boolean, person: Person, say: (text: string) => void): Promise<Given | null> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    say(promptOf(name, field, isRequired));
    const line = await person.next();
    if (line === null) return null;
    const given = line === "" ? leftOut(field, isRequired) : readValue(line, field);
    if (typeof given !== "string") return given;
    say(`  ${given}\n`);
  }
  return null;
}

function promptOf(name: string, field: Field, isRequired: boolean): string {
  const choices = choicesOf(field);
  const about = field.description === undefined ? "" : ` (${field.description})`;
  const among = choices === null ? "" : ` {${choices.join(", ")}}`;
  const otherwise = field.default === undefined ? (isRequired ? "" : " [may be left out]") : ` [${String(field.default)}]`;
  return `  ${field.title ?? name}${about}${among}${otherwise}: `;
}

const choicesOf = ({ enum: named, oneOf, items }: Field): readonly string[] | null => named ?? oneOf?.map((one) => one.const) ?? items?.enum ?? items?.anyOf?.map((one) => one.const) ?? null;

function leftOut({ default: standard }: Field, isRequired: boolean): Given | string {
  if (standard !== undefined) return { value: standard };
  return isRequired ? "this cannot be left out" : { value: undefined };
}

/** What was typed as the field's type has it; or what is wrong with it. */
function readValue(line: string, field: Field): Given | string {
  const choices = choicesOf(field);
  if (field.type === "array") return readList(line, choices);
  if (choices !== null) return choices.includes(line) ? { value: line } : `it must be one of ${choices.join(", ")}`;
  if (field.type === "boolean") return readBoolean(line);
  return field.type === "number" || field.type === "integer" ? readNumber(line, field) : { value: line };
}

function readList(line: string, choices: readonly string[] | null): Given | string {
  const values = line.split(",").map((one) => one.trim()).filter((one) => one !== "");
  const wrong = values.find((one) => choices !== null && !choices.includes(one));
  return wrong === undefined ? { value: values } : `“${wrong}” is none of ${choices?.join(", ")}`;
}

function readBoolean(line: string): Given | string {
  if (/^(y|yes|true)$/i.test(line)) return { value: true };
  return /^(n|no|false)$/i.test(line) ? { value: false } : "answer yes or no";
}

function readNumber(line: string, { type, minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY }: Field): Given | string {
  const value = Number(line);
  const isOne = line.trim() !== "" && (type === "integer" ? Number.isInteger(value) : !Number.isNaN(value));
  if (!isOne) return type === "integer" ? "it must be a whole number" : "it must be a number";
  return value >= minimum && value <= maximum ? { value } : `it must be from ${minimum} to ${maximum}`;
}
