/**
 * A server's entry from what was typed, and the changes of the file that put it there. What is typed here means this
 * folder; what is written must mean the same wherever the server runs, so paths become absolute.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fault } from "../base/index.ts";
import { type ConfigChange, looksSecret } from "../config/index.ts";
import { type Given, valuesOf } from "./flags.ts";
import { isSecretArgument } from "./secretArgument.ts";

/** What of an entry was typed: its keys, and of its environment and headers each name. */
export interface TypedEntry {
  readonly keys: Readonly<Record<string, unknown>>;
  readonly env: ReadonlyMap<string, Value>;
  readonly headers: ReadonlyMap<string, Value>;
}

/** A text, or where it is to be taken from. */
type Value = string | Readonly<Record<string, string>>;

export interface TypedWords {
  readonly given: Given;
  /** What stands behind `--`. */
  readonly rest: readonly string[];
  /** The folder in which it was typed. */
  readonly folder: string;
}

/** Reads what was typed. Throws USAGE. */
export function typedEntry(words: TypedWords): TypedEntry {
  const { given } = words;
  const typed = {
    type: given.get("type"),
    ...commandKeys(words),
    url: given.get("url"),
    tags: tagsOf(given),
    requestTimeout: given.has("timeout") ? Number(given.get("timeout")) : undefined,
    prefix: given.get("prefix"),
    disabled: given.has("disabled") ? true : undefined,
  };
  const keys = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined));
  const entry = { keys, env: pairsOf(words, "env"), headers: pairsOf(words, "header") };
  assertOne(entry);
  return entry;
}

function tagsOf(given: Given): readonly string[] | undefined {
  const tags = [...valuesOf(given, "tag"), ...(given.get("tags") ?? "").split(",")].map((tag) => tag.trim()).filter((tag) => tag !== "");
  return tags.length === 0 ? undefined : tags;
}

function commandKeys(words: TypedWords): Readonly<Record<string, unknown>> {
  const { given, folder } = words;
  const [command, ...args] = commandOf(words) ?? [];
  const cwd = given.get("cwd") ?? (namesFilesFrom(folder, args) ? "." : null);
  return {
    command: command !== undefined && /^\.\.?[\\/]/.test(command) ? resolve(folder, command) : command,
    args: args.length === 0 ? undefined : args,
    cwd: cwd === null ? undefined : resolve(folder, cwd),
  };
}

/** A program or an address, with what belongs to it. */
function assertOne({ keys, env, headers }: TypedEntry): void {
  const isProgram = "command" in keys || env.size > 0 || "cwd" in keys || keys["type"] === "stdio";
  const isAddress = "url" in keys || headers.size > 0 || (keys["type"] !== undefined && keys["type"] !== "stdio");
  if (isProgram && isAddress) throw fault("USAGE", { detail: "a server is a program or an address, not both", hint: "--env and --cwd are for a program, --url and --header for an address" });
}

/** The command with its arguments; null: none was typed. */
function commandOf({ given, rest }: TypedWords): readonly string[] | null {
  const named = given.get("command") ?? null;
  const args = valuesOf(given, "args");
  if (rest.length > 0) {
    if (named !== null || args.length > 0) throw fault("USAGE", { detail: "the command is given twice", hint: "give it behind -- alone" });
    return rest;
  }
  if (named === null && args.length > 0) throw fault("USAGE", { detail: "arguments of what?", hint: "give the program with --command, or everything behind --" });
  return named === null ? null : [named, ...args];
}

/** Something like `bun ./server.ts` means the file that lies here. */
const namesFilesFrom = (folder: string, args: readonly string[]): boolean => args.some((word) => /^\.\.?([\\/]|$)/.test(word) && existsSync(resolve(folder, word)));

function pairsOf({ given, folder }: TypedWords, flag: "env" | "header"): Map<string, Value> {
  return new Map(valuesOf(given, flag).map((text) => pairOf(text, flag, folder)));
}

function pairOf(text: string, flag: "env" | "header", folder: string): [name: string, value: Value] {
  // As 1MCP writes headers, and as everybody else does.
  const [, name = "", value] = (flag === "header" ? /^([^=:\s]+)(?:[=:]\s*([^]*))?$/ : /^([^=\s]+)(?:=([^]*))?$/).exec(text) ?? [];
  if (name === "" || (flag === "header" && value === undefined)) throw fault("USAGE", { detail: `--${flag} must be NAME=VALUE` });
  return [name, value === undefined ? { $env: name } : valueOf(value, folder)];
}

function valueOf(text: string, folder: string): Value {
  const [, kind = "", place = ""] = /^\$(file|env|cred|keychain):([^]+)$/.exec(text) ?? [];
  if (kind === "") return text;
  return { [`$${kind}`]: kind === "file" ? resolve(folder, place) : place };
}

/** The whole entry, for a server that is new. Throws USAGE where neither a program nor an address was typed. */
export function newEntry({ keys, env, headers }: TypedEntry): Readonly<Record<string, unknown>> {
  if (!("command" in keys) && !("url" in keys)) throw fault("USAGE", { detail: "what is to be added?", hint: "1mcp mcp add NAME -- COMMAND ARGUMENTS…, or 1mcp mcp add NAME --url URL" });
  const { type, command, args, url, ...others } = keys;
  const reach = Object.fromEntries(Object.entries({ type, command, args, url }).filter(([, value]) => value !== undefined));
  return { ...reach, ...(env.size > 0 ? { env: Object.fromEntries(env) } : {}), ...(headers.size > 0 ? { headers: Object.fromEntries(headers) } : {}), ...others };
}

/** What a program has and an address has not, and the other way round. */
const ofPrograms = Object.freeze(["type", "command", "args", "env", "cwd", "inheritParentEnv", "unsafeEnv", "sandbox"]);
const ofAddresses = Object.freeze(["type", "url", "headers", "oauth", "tls", "credentials"]);

/** The changes of the entry of that name that is there. Throws USAGE. */
export function entryChanges(name: string, before: Readonly<Record<string, unknown>>, typed: TypedEntry, unset: readonly string[]): readonly ConfigChange[] {
  const at = (...keys: string[]): readonly string[] => ["mcpServers", name, ...keys];
  const { keys } = typed;
  const odd = "url" in keys && "command" in before ? ofPrograms : "command" in keys && "url" in before ? ofAddresses : [];
  // A new command has its own arguments, which may be none.
  const gone = [...odd, ...("command" in keys && !("args" in keys) ? ["args"] : [])].filter((key) => key in before && !(key in keys));
  const left = gone.includes("env") || gone.includes("headers") ? {} : before;
  return [
    ...unset.map((key) => ({ path: at(...unsetPath(key)), value: undefined })),
    ...gone.map((key) => ({ path: at(key), value: undefined })),
    ...Object.entries(keys).map(([key, value]) => ({ path: at(key), value })),
    ...pairChanges(left, typed.env, at, "env"),
    ...pairChanges(left, typed.headers, at, "headers"),
  ];
}

// A header's or variable's name may hold dots.
function unsetPath(key: string): readonly string[] {
  const [, map = "", name = ""] = /^(env|headers|methodTimeouts)\.(.+)$/.exec(key) ?? [];
  return map === "" ? [key] : [map, name];
}

/** Each name for itself; an environment that is written as a list stays one. */
function pairChanges(before: Readonly<Record<string, unknown>>, pairs: ReadonlyMap<string, Value>, at: (...keys: string[]) => readonly string[], key: "env" | "headers"): ConfigChange[] {
  const list = before[key];
  if (pairs.size === 0) return [];
  if (!Array.isArray(list)) return Array.from(pairs, ([name, value]) => ({ path: at(key, name), value }));
  const kept = list.map(String).filter((item) => !pairs.has(item.split("=")[0] ?? ""));
  return [{ path: at(key), value: [...kept, ...Array.from(pairs, ([name, value]) => listed(name, value))] }];
}

function listed(name: string, value: Value): string {
  if (typeof value === "string") return `${name}=${value}`;
  if (value["$env"] === undefined) throw fault("USAGE", { detail: "the environment of this entry is a list, which can refer to nothing but variables", hint: "make an object of it: `1mcp config edit`" });
  return value["$env"] === name ? name : `${name}=\${${value["$env"]}}`;
}

/** Names of variables and headers whose values are likely to be secrets, and are written plainly. */
export const plainSecrets = ({ env, headers }: TypedEntry): readonly string[] => [...env, ...headers].filter(([name, value]) => typeof value === "string" && looksSecret(name, value)).map(([name]) => name);

/** The same of arguments, by their place. */
export const secretArguments = ({ keys }: TypedEntry): boolean => {
  const args = Array.isArray(keys["args"]) ? keys["args"].map(String) : [];
  return args.some((arg, place) => isSecretArgument(arg, args[place - 1] ?? ""));
};

/** The same of the address: a password before its host, or something in its query. */
export function secretAddress({ keys }: TypedEntry): boolean {
  const text = String(keys["url"] ?? "");
  const [, password = ""] = /^[^/]*\/\/[^/@:]*:([^/@]*)@/.exec(text) ?? [];
  return looksSecret("password", password) || Array.from(URL.parse(text)?.searchParams ?? []).some(([name, value]) => looksSecret(name, value));
}
