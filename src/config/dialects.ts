/**
 * One server's entry as another application words it, as an entry of ours. What cannot be said here leaves the entry
 * where it is, with the reason: a server that does less, or more, than it did would be worse than one that has not moved.
 */
import type { Application, Dialect } from "./applications.ts";
import { isLoader } from "./loaders.ts";

/** What became of one entry. */
export type Translated =
  | { readonly ok: true; readonly entry: Readonly<Record<string, unknown>>; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

type Fields = Readonly<Record<string, unknown>>;

/** Leaves the reading from any depth; never leaves this file. */
class Refused extends Error {}

/** Reads one entry of the application. Never throws. */
export function parseAppEntry(application: Application, value: unknown): Translated {
  if (!isObject(value)) return { ok: false, problem: "is no object" };
  try {
    const reader = new Reader(value, application.dialect);
    const entry = reader.entry();
    return { ok: true, entry, notes: reader.notes() };
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return { ok: false, problem: thrown.message };
  }
}

/** Whether an entry leads to us, so that it is never moved into ourselves. */
export function isOwnEntry(name: string, value: unknown): boolean {
  if (name === "1mcp" || !isObject(value)) return name === "1mcp";
  const words = [value["command"], value["cmd"], value["args"]].flat().filter((word) => typeof word === "string");
  return words.some((word) => /(^|[\\/])1mcp(\.exe)?$/.test(word)) && words.includes("proxy");
}

/** What stands between the words of a name here: nothing that the separator holds, which no name may have in it. */
export const fillerOf = (separator: string): string => ["-", "_", "."].find((one) => !separator.includes(one)) ?? "-";

/** The name that an entry gets here: what stands in public names and paths is bounded, and some names cannot be had. */
export function ownNameOf(name: string, separator: string): string {
  const filler = fillerOf(separator);
  const fit = name.replace(/[^A-Za-z0-9_.-]+/g, filler).replaceAll(separator, filler).replace(/^-+|-+$/g, "").slice(0, nameCharsMax);
  if (reserved.test(fit)) return `${fit}${filler}server`;
  return /[A-Za-z0-9]/.test(fit) ? fit : "server";
}

// Our own tools', and what reaches an object's prototype.
const reserved = /^(1mcp|__proto__|prototype|constructor)$/i;
const nameCharsMax = 64;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

// Whose members say the same under other names.
const known: readonly string[] = Object.freeze([
  "command", "cmd", "args", "env", "environment", "envs", "env_vars", "cwd", "workingDirectory", "working_directory",
  "url", "serverUrl", "httpUrl", "uri", "headers", "http_headers", "env_http_headers", "bearer_token_env_var", "requestOptions",
  "type", "transport", "transportType", "disabled", "enabled", "disabledTools", "disabled_tools", "excludeTools", "exclude_tools",
  "timeout", "startup_timeout_sec", "startup_timeout_ms", "tool_timeout_sec", "name", "source",
]);
const approvals: readonly string[] = Object.freeze(["autoApprove", "alwaysAllow", "trust", "approve", "auto_approve"]);
// They would do more here than there.
const narrowing: readonly string[] = Object.freeze(["includeTools", "include_tools", "enabled_tools", "available_tools", "tools"]);

class Reader {
  readonly #fields: Fields;
  readonly #dialect: Dialect;

  constructor(fields: Fields, dialect: Dialect) {
    this.#fields = fields;
    this.#dialect = dialect;
  }

  entry(): Fields {
    for (const key of narrowing) if (this.#isFull(key)) throw new Refused(`shows only some of its tools (${key}); say the others in disabledTools`);
    if (this.#fields["envFile"] !== undefined) throw new Refused("takes its variables from a file (envFile)");
    return { ...this.#reached(), ...this.#times(), ...this.#shown() };
  }

  notes(): string[] {
    const left = Object.keys(this.#fields).filter((key) => !known.includes(key) && this.#isFull(key));
    const approved = left.filter((key) => approvals.includes(key));
    const others = left.filter((key) => !approvals.includes(key));
    const relative = [this.#fields["args"] ?? []].flat().filter((word): word is string => typeof word === "string" && /^\.{1,2}[\\/]/.test(word));
    return [...relative.map((word) => `${word} is meant from wherever the application runs: write the whole path, or set cwd`), ...(approved.length === 0 ? [] : [`what it approves by itself (${approved.join(", ")}) stays the application's business`]), ...(others.length === 0 ? [] : [`not moved: ${others.join(", ")}`])];
  }

  #isFull(key: string): boolean {
    const value = this.#fields[key];
    const isAll = Array.isArray(value) && (value.length === 0 || value.includes("*"));
    return value !== undefined && value !== null && value !== false && !isAll;
  }

  #reached(): Fields {
    const { type } = this.#fields;
    if (typeof type === "string" && !/^(stdio|local|http|remote|sse|streamable[-_]?http|streamableHttp)$/.test(type)) throw new Refused(`is of the application's own kind (${type})`);
    if (isObject(this.#fields["command"])) return new Reader({ ...this.#fields["command"], command: this.#fields["command"]["path"] }, this.#dialect).#program();
    if (this.#first("command", "cmd") !== undefined) return this.#program();
    return this.#address();
  }

  #program(): Fields {
    const given = this.#first("command", "cmd");
    const words = [given, this.#fields["args"] ?? []].flat().map((word) => this.#text(word, "an argument"));
    const [command = "", ...args] = words;
    if (command === "") throw new Refused("names no program");
    const env = this.#environment();
    return { command, ...(args.length === 0 ? {} : { args }), ...(Object.keys(env).length === 0 ? {} : { env }), ...this.#folder() };
  }

  #folder(): Fields {
    const cwd = this.#first("cwd", "workingDirectory", "working_directory");
    if (typeof cwd !== "string" || cwd === "") return {};
    if (/^\.{0,2}[\\/]?$|^\.{1,2}[\\/]/.test(cwd)) throw new Refused(`runs in ${cwd}, which is wherever the application runs`);
    return { cwd: this.#text(cwd, "cwd") };
  }

  #environment(): Record<string, string> {
    const written = this.#texts(this.#first("env", "environment", "envs"), "env");
    const passed = (this.#fields["env_vars"] ?? []) as readonly unknown[];
    const all = { ...Object.fromEntries([passed].flat().filter((name) => typeof name === "string").map((name) => [name, `\${${name}:-}`])), ...written };
    const loader = Object.keys(all).find(isLoader);
    if (loader !== undefined) throw new Refused(`sets ${loader}, which loads code; write it yourself, with unsafeEnv`);
    return all;
  }

  #address(): Fields {
    const url = this.#first("httpUrl", "serverUrl", "url", "uri");
    if (typeof url !== "string" || url === "") throw new Refused("names neither a program nor an address");
    const type = this.#transport();
    const headers = this.#headers();
    return { ...(type === null ? {} : { type }), url: this.#text(url, "url"), ...(Object.keys(headers).length === 0 ? {} : { headers }) };
  }

  #transport(): "http" | "sse" | null {
    const type = this.#first("type", "transport", "transportType");
    if (type === "sse") return "sse";
    if (this.#fields["httpUrl"] !== undefined || (typeof type === "string" && /http$/i.test(type))) return "http";
    return this.#dialect.urlIsSse === true && type === undefined ? "sse" : null;
  }

  #headers(): Record<string, string> {
    const { requestOptions, env_http_headers: named, bearer_token_env_var: bearer } = this.#fields;
    const written = this.#texts(this.#first("headers", "http_headers") ?? (isObject(requestOptions) ? requestOptions["headers"] : undefined), "headers");
    const fromEnv = isObject(named) ? Object.fromEntries(Object.entries(named).map(([header, variable]) => [header, `\${${this.#text(variable, `env_http_headers.${header}`)}}`])) : {};
    return { ...written, ...fromEnv, ...(typeof bearer === "string" ? { Authorization: `Bearer \${${bearer}}` } : {}) };
  }

  #times(): Fields {
    const { timeout, startup_timeout_sec: startS, startup_timeout_ms: startMs, tool_timeout_sec: toolS } = this.#fields;
    const unit = this.#dialect.timeout === "s" ? 1000 : 1;
    const request = typeof toolS === "number" ? toolS * 1000 : this.#dialect.timeout !== null && typeof timeout === "number" ? timeout * unit : 0;
    const connection = typeof startS === "number" ? startS * 1000 : typeof startMs === "number" ? startMs : 0;
    return { ...(connection > 0 ? { connectionTimeout: Math.ceil(connection) } : {}), ...(request > 0 ? { requestTimeout: Math.ceil(request) } : {}) };
  }

  #shown(): Fields {
    const off = this.#fields["disabled"] === true || this.#fields["enabled"] === false;
    const tools = this.#first("disabledTools", "disabled_tools", "excludeTools", "exclude_tools");
    const names = Array.isArray(tools) ? tools.filter((tool) => typeof tool === "string" && tool !== "") : [];
    return { ...(off ? { disabled: true } : {}), ...(names.length === 0 ? {} : { disabledTools: names }) };
  }

  #first(...keys: readonly string[]): unknown {
    return keys.map((key) => this.#fields[key]).find((value) => value !== undefined && value !== null);
  }

  #texts(value: unknown, what: string): Record<string, string> {
    if (value === undefined || value === null) return {};
    if (!isObject(value)) throw new Refused(`has ${what} in a form that is not known`);
    return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null).map(([name, one]) => [name, this.#text(one, `${what}.${name}`)]));
  }

  #text(value: unknown, what: string): string {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    if (typeof value !== "string") throw new Refused(`has ${what} in a form that is not known`);
    return ownReferences(value, this.#dialect.references, what);
  }
}

const forms: Readonly<Record<Exclude<Dialect["references"], "none">, RegExp>> = Object.freeze({
  // ${VAR}, ${VAR:-default}; of $VAR without braces only what looks like a variable.
  shell: /\$\{[A-Za-z_]\w*(?::-[^}]*)?\}|\$(?=[A-Z_])\w+/g,
  env: /\$\{(?:env:)?[A-Za-z_]\w*\}/g,
  braces: /\{env:[A-Za-z_]\w*\}/g,
  secrets: /\$\{\{\s*(?:secrets|inputs)\.[\w/.-]+\s*\}\}/g,
});

/** A value's references in our form; what only looks like one of ours is made literal. */
function ownReferences(text: string, form: Dialect["references"], what: string): string {
  if (form === "none") return literal(text);
  const foreign = form === "env" ? /\$\{(?!env:)[^}]*\}/.exec(text.replaceAll("${userHome}", "")) : form === "braces" ? /\{file:[^}]*\}/.exec(text) : null;
  if (foreign !== null) throw new Refused(`refers in ${what} to ${foreign[0]}, which only the application knows`);
  const out: string[] = [];
  let from = 0;
  const home = form === "env" ? text.replaceAll("${userHome}", "${env:HOME}") : text;
  for (const found of home.matchAll(forms[form])) {
    out.push(literal(home.slice(from, found.index)), ownForm(found[0]));
    from = found.index + found[0].length;
  }
  return [...out, literal(home.slice(from))].join("");
}

// A lone ${ begins a reference here.
const literal = (text: string): string => text.replaceAll("${", () => "$${");

function ownForm(reference: string): string {
  if (/^\$\{[A-Za-z_]\w*:-/.test(reference)) return reference;
  const name = /([A-Za-z_]\w*)\W*$/.exec(reference)?.[1] ?? "";
  return `\${${name}}`;
}
