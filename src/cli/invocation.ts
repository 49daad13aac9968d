/** What `run` is to call with what: its target, and its arguments from the command line or from standard input. */
import { fault } from "../base/index.ts";

/** One tool of one server. */
export interface Target {
  readonly server: string;
  /** null: the server alone was named. */
  readonly tool: string | null;
}

/** `server` or `server/tool`; a tool's own name may hold more slashes. */
export function targetOf(text: string): Target {
  const at = text.indexOf("/");
  return at < 0 ? { server: text, tool: null } : { server: text.slice(0, at), tool: text.slice(at + 1) };
}

type Arguments = Readonly<Record<string, unknown>>;

/** What a tool's schema says of its parameters, as far as that is needed. */
export interface Parameters {
  readonly properties: Readonly<Record<string, { readonly type?: unknown }>>;
  readonly required: readonly string[];
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object" && !Array.isArray(value);

/** The parameters of a tool's input schema; whatever it leaves out is empty. */
export function parametersOf(schema: unknown): Parameters {
  const { properties, required } = isObject(schema) ? schema : {};
  return { properties: isObject(properties) ? (properties as Parameters["properties"]) : {}, required: Array.isArray(required) ? required.filter((one) => typeof one === "string") : [] };
}

/** The arguments of `--args`. Throws USAGE. */
export function argumentsOf(text: string): Arguments {
  const value = parsed(text);
  if (isObject(value)) return value;
  throw fault("USAGE", { detail: "--args must be a JSON object", hint: `as in: --args '{"path":"/tmp"}'` });
}

/** The arguments that standard input means: a JSON object is all of them, any other text the first required string. Throws USAGE. */
export function argumentsFrom(input: string, { properties, required }: Parameters): Arguments {
  if (input.trim() === "") return {};
  const value = parsed(input);
  if (isObject(value)) return value;
  const into = required.find((name) => properties[name]?.type === "string");
  if (into === undefined) throw fault("USAGE", { detail: "standard input is no JSON object, and the tool has no required string to take it", hint: "give --args, or a JSON object on standard input" });
  return { [into]: input.replace(/\r?\n$/, "") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
