/**
 * One server's entry, with the defaults and the variables in place, as a frozen BackendSpec. What is wrong here puts
 * this one server out and no other: the rest of the file is good.
 */
import { resolve } from "node:path";
import { fingerprint, type Limits, reveal, Secret } from "../base/index.ts";
import type { Document, Path } from "./document.ts";
import type { Variables } from "./dotEnv.ts";
import { valueIssue } from "./issues.ts";
import { isLoader } from "./loaders.ts";
import { type OAuthEntry, oauthOf, oauthProblem, type RemoteOAuth } from "./login.ts";
import { keyOf, type References } from "./references.ts";
import { sandboxOf } from "./sandbox.ts";
import type { SecretReference } from "./reference.ts";
import type { RemoteEntry, ServerDefaults, ServerEntry, StdioEntry } from "./schema.ts";
import { type Part, secretsOf } from "./secrets.ts";
import { secondMs } from "./shapes.ts";
import { hasReference, type Substituted, substitute } from "./substitute.ts";
import { type Context, isTemplate, parseTemplate, renderTemplate } from "./template.ts";
import { toolRulesOf } from "./tools.ts";
import type { BackendSpec, Issue, RemoteCertificates, RemoteSpec, StdioSpec } from "./types.ts";

/** What every entry of one file is read with. */
export interface Surroundings {
  readonly document: Document;
  readonly variables: Variables;
  readonly defaults: ServerDefaults;
  readonly limits: Limits;
  /** What references to secrets came to. */
  readonly references: References;
  /** The folder of the configuration; relative working folders start here. */
  readonly folder: string;
  /** Several people call us: what one of them did is not to be another's. */
  readonly isForSeveral: boolean;
  /** The values for a template; absent: the entry is none, and what looks like one is meant as it stands. */
  readonly context?: Context;
}

/** The entry as a spec, and everything that should be said about it (all of it, where the spec has the first). */
export function specOf(name: string, entry: ServerEntry, around: Surroundings): { readonly spec: BackendSpec; readonly notes: readonly Issue[] } {
  const reader = new EntryReader(name, around);
  const spec = "url" in entry ? remoteSpec(name, entry, reader) : stdioSpec(name, entry, reader);
  return { spec, notes: [...reader.issues, ...deprecations(name, entry, around)] };
}

function deprecations(name: string, { timeout }: ServerEntry, { document, context }: Surroundings): Issue[] {
  return timeoutNotes(document, [context === undefined ? "mcpServers" : "mcpTemplates", name, "timeout"], timeout);
}

/** What is to be said about the defaults themselves. */
export const defaultsNotes = ({ document, defaults }: Surroundings): Issue[] => timeoutNotes(document, ["serverDefaults", "timeout"], defaults.timeout);

// Some products mean seconds by this very key. Nobody means a server that has less than one to start.
function timeoutNotes(document: Document, path: Path, timeout: number | undefined): Issue[] {
  if (timeout === undefined) return [];
  const seconds = timeout < secondMs ? `; ${timeout} of these are too few for most servers: write ${timeout * secondMs} where seconds were meant` : "";
  return [valueIssue(document, path, "is deprecated", `use connectionTimeout and requestTimeout, in milliseconds${seconds}`)];
}

type Text = string | Secret;
/** As it is written: a text, or where to take it from. */
type Template = string | SecretReference;

/** Reads the strings of one entry and collects what cannot be used. */
class EntryReader {
  readonly issues: Issue[] = [];
  /** What was read, for telling the secrets among it. */
  readonly parts: Part[] = [];
  readonly name: string;
  readonly around: Surroundings;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.around = around;
  }

  path(...steps: (string | number)[]): Path {
    return [this.around.context === undefined ? "mcpServers" : "mcpTemplates", this.name, ...steps];
  }

  refuse(path: Path, message: string, hint: string | null = null): void {
    this.issues.push(valueIssue(this.around.document, path, message, hint, this.name));
  }

  /** The string with its variables; as it stands where one is missing. */
  read(template: string, path: Path, accepts: RegExp = anyText): Substituted {
    const found = this.#filled(template, path);
    if (found.broken) this.refuse(path, "holds a ${ that begins no reference", "write ${VAR}, ${VAR:-default}, or $${ for a literal ${");
    for (const missing of new Set(found.missing)) {
      this.refuse(path, `needs the variable ${missing}, which is not set`, `set it in the environment or in .env, or write \${${missing}:-default}`);
    }
    if (found.missing.length === 0 && !accepts.test(found.text)) this.refuse(path, "holds a control character that is not allowed here");
    return found;
  }

  /** References are looked for in what was written, never in what a project says. */
  #filled(template: string, path: Path): Substituted {
    const { context, variables } = this.around;
    if (context === undefined || !isTemplate(template)) return substitute(template, variables);
    const parsed = parseTemplate(template);
    if (!parsed.ok) this.refuse(path, `cannot be read at character ${parsed.at + 1}: ${parsed.problem}`);
    const read: Substituted[] = [];
    const { text, missing } = renderTemplate(parsed.ok ? parsed.parts : [], context, (between) => {
      const found = substitute(between, variables);
      read.push(found);
      return found.text;
    });
    for (const name of new Set(missing)) this.refuse(path, `needs {{${name}}}, which this project does not have`, "say it in its .1mcprc, or ask with {{#if}}");
    return { text, names: read.flatMap(({ names }) => names), missing: read.flatMap((one) => one.missing), broken: read.some(({ broken }) => broken) };
  }

  /** The same for a header, variable or argument (which has no name); a Secret if anything came from a variable. */
  readText(name: string, written: Template, path: Path, accepts: RegExp = anyText): Text {
    if (typeof written !== "string" && written.$env === undefined) return this.#follow(written, path, accepts);
    const template = typeof written === "string" ? written : `\${${written.$env}}`;
    const { text, names } = this.read(template, path, accepts);
    this.parts.push({ name, from: names, value: text });
    return names.length > 0 || (hasReference(template) && this.around.context === undefined) ? new Secret(text) : text;
  }

  /** What a reference leads to; empty where that cannot be read, and the server is out. */
  #follow(reference: SecretReference, path: Path, accepts: RegExp): Text {
    const found = this.around.references.get(keyOf(reference)) ?? { problem: "refers to what cannot be read here" };
    if ("problem" in found) this.refuse(path, found.problem);
    const value = "value" in found ? found.value : "";
    if (!accepts.test(value)) this.refuse(path, "leads to a control character that is not allowed here");
    // Whatever its name: it was kept apart because it is one.
    this.parts.push({ name: "secret", from: [], value });
    return new Secret(value);
  }
}

// No system can hand a NUL to a process, and none but tabs may stand in a header (RFC 9110, 5.5).
const anyText = /^[^\0]*$/;
const headerText = /^[^\0-\x08\x0a-\x1f\x7f]*$/;

function stdioSpec(name: string, entry: StdioEntry, reader: EntryReader): StdioSpec {
  const { defaults, folder } = reader.around;
  const cwd = entry.cwd === undefined ? null : resolve(folder, reader.read(entry.cwd, reader.path("cwd")).text);
  const command = reader.read(entry.command, reader.path("command")).text;
  if (command === "") reader.refuse(reader.path("command"), "is empty once its variables are in place");
  const reaches = {
    kind: "stdio" as const,
    command,
    args: Object.freeze((entry.args ?? []).map((arg, index) => reader.readText("", arg, reader.path("args", index)))),
    env: environmentOf(entry, reader),
    cwd,
    inheritParentEnv: entry.inheritParentEnv ?? defaults.inheritParentEnv ?? false,
    sandbox: sandboxOf(entry.sandbox, folder, (path, key, index) => reader.read(path, reader.path("sandbox", key, index)).text),
  };
  return finish(name, entry, "shared", reaches, reader);
}

interface Variable {
  readonly name: string;
  readonly template: Template;
  readonly path: Path;
}

// The entry's own variables win over the defaults; both may be written as a list.
function environmentOf(entry: StdioEntry, reader: EntryReader): Readonly<Record<string, Text>> {
  const variables = new Map<string, Variable>();
  const declared = [...variablesOf(reader.around.defaults.env, ["serverDefaults", "env"]), ...variablesOf(entry.env, reader.path("env"))];
  for (const variable of declared) variables.set(variable.name, variable);
  for (const { name, path } of variables.values()) if (isLoader(name) && entry.unsafeEnv !== true) reader.refuse(path, "loads code into a program or steers its runtime", "remove it, or set unsafeEnv for this server");
  return Object.freeze(Object.fromEntries(Array.from(variables.values(), ({ name, template, path }) => [name, reader.readText(name, template, path)])));
}

function variablesOf(declared: StdioEntry["env"], path: Path): Variable[] {
  if (declared === undefined) return [];
  if (!Array.isArray(declared)) return Object.entries(declared).map(([name, template]) => ({ name, template, path: [...path, name] }));
  return declared.map((item, index) => {
    const equals = item.indexOf("=");
    const name = equals < 0 ? item : item.slice(0, equals);
    return { name, template: equals < 0 ? `\${${name}}` : item.slice(equals + 1), path: [...path, index] };
  });
}

function remoteSpec(name: string, entry: RemoteEntry, reader: EntryReader): RemoteSpec {
  const url = reader.read(entry.url, reader.path("url"));
  reader.parts.push({ name: "", from: url.names, value: url.text });
  const parsed = URL.parse(url.text);
  if (url.missing.length === 0 && !isWeb(parsed)) reader.refuse(reader.path("url"), "is not an http or https URL");
  const reaches = {
    kind: "remote" as const,
    url: new Secret(url.text),
    shownUrl: shownUrl(entry.url, parsed),
    transport: transports[entry.type ?? "auto"],
    certificates: certificatesOf(entry, parsed, reader),
    ...loginOf(entry, reader),
  };
  // Without a process to pay for, everybody has a connection of his own.
  return finish(name, entry, "principal", reaches, reader);
}

// RFC 7468, and the older names of keys.
const certificate = /-----BEGIN ((X509|TRUSTED) )?CERTIFICATE-----/;
const pem = Object.freeze({ cert: certificate, key: /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/, ca: certificate });

function certificatesOf({ tls }: RemoteEntry, url: URL | null, reader: EntryReader): RemoteCertificates | null {
  if (tls === undefined) return null;
  if (url?.protocol === "http:") reader.refuse(reader.path("tls"), "is for https alone, and the URL is http", "write https:// in the URL, or remove tls");
  const textOf = (key: keyof typeof pem): Text | null => {
    if (tls[key] === undefined) return null;
    const text = reader.readText(key === "key" ? "secret" : "", tls[key], reader.path("tls", key));
    // Whoever connects with something else is told of a connection that cannot be had, and not why.
    if (!pem[key].test(reveal(text))) reader.refuse(reader.path("tls", key), `holds no ${key === "key" ? "private key" : "certificate"} in PEM`, 'a file that does is named as {"$file": "client.pem"}');
    return text;
  };
  const [cert, key, ca] = [textOf("cert"), textOf("key"), textOf("ca")];
  return Object.freeze({ own: cert === null || key === null ? null : Object.freeze({ cert, key: new Secret(reveal(key)) }), ca });
}

function loginOf(entry: RemoteEntry, reader: EntryReader): Pick<RemoteSpec, "headers" | "oauth" | "credentials"> {
  const { oauth: written } = entry;
  const headers = headersOf(entry, reader);
  const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  if (written !== undefined) checkOAuth(written, hasOwn, reader);
  const isForAll = hasOwn || entry.isolation === "shared" || written?.grant === "client_credentials";
  return { headers, oauth: hasOwn ? null : readOAuth(written, reader), credentials: credentialsOf(entry, isForAll, reader) };
}

function credentialsOf({ credentials }: RemoteEntry, isForAll: boolean, reader: EntryReader): RemoteSpec["credentials"] {
  // What nobody chose is only taken where it can be.
  if (credentials === undefined) return reader.around.isForSeveral && !isForAll ? "per-user" : "shared";
  if (credentials === "per-user" && isForAll)
    reader.refuse(reader.path("credentials"), "cannot be per-user where all callers share a connection, a header or a client", 'leave "isolation", the header and "grant" out, or use "shared"');
  return credentials;
}

function checkOAuth(written: OAuthEntry, hasHeader: boolean, reader: EntryReader): void {
  if (hasHeader) reader.refuse(reader.path("oauth"), "cannot be used beside a header Authorization", "remove one of them");
  const problem = oauthProblem(written);
  if (problem !== null) reader.refuse(reader.path("oauth"), problem);
}

const readOAuth = (written: RemoteEntry["oauth"], reader: EntryReader): RemoteOAuth =>
  // Whatever is called a secret is one, wherever it was written.
  oauthOf(written, (key, template) => {
    if (key !== "clientId") return reveal(reader.readText("secret", template, reader.path("oauth", key)));
    const { text } = reader.read(template as string, reader.path("oauth", key));
    reader.parts.push({ name: "", from: [], value: text });
    return text;
  });

const transports = Object.freeze({ auto: "auto", http: "http", streamableHttp: "http", "streamable-http": "http", sse: "sse" } as const);

const isWeb = (url: URL | null): boolean => url !== null && /^https?:$/.test(url.protocol);

// The path is shown as it was written; where a variable may have put a token into it, it is not shown at all.
function shownUrl(template: string, url: URL | null): string {
  if (url === null) return "";
  const pathTemplate = /^[^/?#]*:\/\/[^/?#]*([^?#]*)/.exec(template)?.[1] ?? template;
  return `${url.origin}${hasReference(pathTemplate) ? "/…" : url.pathname}`;
}

// Unlike variables, headers replace the defaults: a default credential must not reach a server that has its own.
function headersOf(entry: RemoteEntry, reader: EntryReader): Readonly<Record<string, Text>> {
  const [declared, path]: [Record<string, Template>, Path] =
    entry.headers === undefined ? [reader.around.defaults.headers ?? {}, ["serverDefaults", "headers"]] : [entry.headers, reader.path("headers")];
  for (const header of Object.keys(declared)) if (ownHeader.test(header)) reader.refuse([...path, header], "is set by the proxy itself", "remove it");
  return Object.freeze(
    Object.fromEntries(Object.entries(declared).map(([header, value]) => [header, reader.readText(header, value, [...path, header], headerText)])),
  );
}

// What frames a message, and what the protocol says about it, must fit the message.
const ownHeader = /^(host|connection|content-(length|type|encoding)|transfer-encoding|te|trailer|upgrade|keep-alive|expect|mcp-.*)$/i;

type Reaches = Pick<StdioSpec, "kind" | "command" | "args" | "env" | "cwd" | "inheritParentEnv" | "sandbox"> | Pick<RemoteSpec, "kind" | "url" | "shownUrl" | "transport" | "certificates" | "headers" | "oauth" | "credentials">;
type SpecFor<R extends Reaches> = R extends { kind: "stdio" } ? StdioSpec : RemoteSpec;

function finish<R extends Reaches>(name: string, entry: ServerEntry, isolation: BackendSpec["isolation"], reaches: R, reader: EntryReader): SpecFor<R> {
  const shared = { era: entry.era ?? ("auto" as const), isolation: entry.isolation ?? isolation };
  return Object.freeze({
    name,
    ...appearanceOf(entry),
    ...timesOf(entry, reader.around),
    ...extentOf(entry, reader.around),
    ...usageOf(entry, reader.around),
    ...shared,
    ...reaches,
    secrets: secretsIn(reaches, reader),
    issue: reader.issues[0] ?? null,
    fingerprint: fingerprintOf(shared, reaches),
  }) as unknown as SpecFor<R>;
}

/** How it is shown to clients, and whether. */
const appearanceOf = (entry: ServerEntry) => ({
  tags: Object.freeze([...(entry.tags ?? [])]),
  disabled: entry.disabled ?? false,
  prefix: entry.prefix ?? null,
  disabledTools: Object.freeze([...(entry.disabledTools ?? [])]),
  tools: toolRulesOf(entry.tools),
  instructionOverride: entry.instructionOverride ?? null,
  hidden: entry.hidden ?? false,
});

const secretsIn = (reaches: Reaches, { parts, around }: EntryReader): readonly Secret[] =>
  secretsOf(parts, reaches.kind === "remote" ? reaches.url.reveal() : null, around.variables);

// The nearer the word, the more it counts: the entry's own deprecated key is before any default.
function timesOf(entry: ServerEntry, { defaults, limits }: Surroundings): Pick<BackendSpec, "connectMs" | "requestMs"> {
  const timeout = entry.timeout;
  return {
    connectMs: entry.connectionTimeout ?? timeout ?? defaults.connectionTimeout ?? defaults.timeout ?? limits.readyMsMax,
    requestMs: entry.requestTimeout ?? timeout ?? defaults.requestTimeout ?? defaults.timeout ?? limits.requestMsMax,
  };
}

/** What goes beyond one time for all calls. */
function extentOf(entry: ServerEntry, { defaults, limits }: Surroundings): Pick<BackendSpec, "methodMs" | "totalMs"> {
  return {
    // Without a prototype: the method comes from a client.
    methodMs: Object.freeze(Object.assign(Object.create(null), defaults.methodTimeouts, entry.methodTimeouts) as Record<string, number>),
    totalMs: entry.maxTotalTimeout ?? defaults.maxTotalTimeout ?? limits.totalMsMax,
  };
}

const pinWithout = (isForSeveral: boolean): BackendSpec["pin"] => (isForSeveral ? "block" : "warn");

/** What may change while the process or connection goes on. */
function usageOf(entry: ServerEntry, { defaults, limits, isForSeveral }: Surroundings): Pick<BackendSpec, "start" | "idleMs" | "maxInFlight" | "pin"> {
  return {
    start: entry.start ?? defaults.start ?? "eager",
    idleMs: entry.idleTimeout ?? defaults.idleTimeout ?? limits.idleStopMsMax,
    maxInFlight: entry.maxInFlight ?? defaults.maxInFlight ?? limits.pendingMax,
    pin: entry.pin ?? defaults.pin ?? pinWithout(isForSeveral),
  };
}

/** Everything that reaches the process or connection, and nothing else: tags and tools may change while it runs on. */
const fingerprintOf = (shared: object, reaches: Reaches): string => fingerprint({ ...shared, ...reaches });
