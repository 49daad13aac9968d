/**
 * A configuration file as one frozen Config, or everything that is wrong with it. Two kinds of wrong: a file whose
 * shape is not right is refused whole, since nobody can say what was meant; a server whose values cannot be used (a
 * variable that is not set) is put out alone.
 */
import { dirname, resolve } from "node:path";
import { defaultLimits, type Fault, fault, fingerprint, fixedBounds, openToRead } from "../base/index.ts";
import { accessOf, isForSeveral } from "./access.ts";
import { type Document, objectIn, parseDocument, type Path } from "./document.ts";
import { readDotEnv, type Variables, variablesOf } from "./dotEnv.ts";
import { instructionTemplateOf } from "./instructions.ts";
import { checkShape, inOrder, valueIssue } from "./issues.ts";
import { bridgedName, nameIssues } from "./names.ts";
import { presetNotes, presetsOf } from "./presets.ts";
import { programIssues } from "./programs.ts";
import { readReferences, type References, withFiles } from "./references.ts";
import { type ConfigFile, limitsOf } from "./schema.ts";
import { defaultsNotes, specOf, type Surroundings } from "./servers.ts";
import { type Context, parseTemplate } from "./template.ts";
import { toolNameIssues } from "./toolNames.ts";
import type { BackendSpec, Config, Issue, Loaded, Preset } from "./types.ts";

const separatorDefault = "__";

/**
 * Reads, checks and freezes the configuration at `path`. `env` is the environment for `${VAR}`; a `.env` file beside
 * the configuration stands behind it; `findPrograms` warns of servers whose program is not there. Never throws for what is
 * in the file, nor for its absence.
 */
export async function loadConfig(options: {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly findPrograms?: boolean;
  /** The project whose templates are filled in, and run as servers, while the secrets of other servers stay where they are; absent: templates are read and no more, and theirs stay. */
  readonly context?: Context;
  /** A secret that is written out in a file which others can read is no warning, but an issue. */
  readonly strictSecrets?: boolean;
}): Promise<Loaded> {
  const path = resolve(options.path);
  const read = await readBytes(path);
  if (!("bytes" in read)) return refused([plainIssue(read.problem)], null);
  const folder = dirname(path);
  const dotEnv = await readDotEnv(folder);
  const text = decode(read.bytes);
  const given = await referredTo(text, { folder, runs: runsOf(options) }, variablesOf(dotEnv.text, options.env));
  const hash = hashOf(read.bytes, dotEnv.text, given.fingerprint);
  if (text === null) return refused([plainIssue("the file is not UTF-8 text")], hash);
  const loaded = parseConfig({ text, path, ...given, hash, ...(options.context === undefined ? {} : { context: options.context }) });
  if (!loaded.ok) return loaded;
  const missing = options.findPrograms === true ? missingPrograms(text, loaded.config.backends, options.env) : [];
  const open = exposed(read.mode, text, loaded.config.backends);
  if (options.strictSecrets === true && open.length > 0) return refused(open, hash);
  const unread = dotEnv.problem === null ? given.problems : [dotEnv.problem, ...given.problems];
  const plain = [...unread.map(plainIssue), ...open];
  return { ...loaded, warnings: inOrder([...plain, ...loaded.warnings, ...missing]) };
}

const hashOf = (bytes: Uint8Array, dotEnv: string | null, given: string): string => new Bun.CryptoHasher("sha256").update(bytes).update("\0").update(dotEnv ?? "").update(given).digest("hex");

function missingPrograms(text: string, backends: readonly BackendSpec[], env: Readonly<Record<string, string | undefined>>): Issue[] {
  const { document } = parseDocument(text);
  return document === null ? [] : programIssues(backends, document, env);
}

/** What stands elsewhere and is only named in a configuration; its fingerprint changes when that changes. */
async function referredTo(whole: string | null, { folder, runs }: { readonly folder: string; readonly runs: Runs }, plain: Variables) {
  const text = whole ?? "";
  const { variables, problems } = await withFiles(text, plain);
  const { document } = text.includes('"$') ? parseDocument(text) : { document: null };
  const references = await readReferences(inUse(document?.value, runs), { folder, variables });
  const read = [...variables].filter(([name]) => !plain.has(name));
  return { variables, problems, references, fingerprint: read.length + references.size === 0 ? "" : fingerprint([read, [...references]]) };
}

/** Of which kind those are that run. */
type Runs = "mcpServers" | "mcpTemplates";

const runsOf = ({ context }: { readonly context?: Context }): Runs => (context === undefined ? "mcpServers" : "mcpTemplates");

// A keychain that is locked asks a person: not for a server that is switched off, or that another process runs.
function inUse(value: unknown, runs: Runs): unknown {
  const { mcpServers, mcpTemplates, ...rest } = objectIn(value);
  const all = objectIn(runs === "mcpServers" ? mcpServers : mcpTemplates);
  return { ...rest, [runs]: Object.values(all).filter((entry) => objectIn(entry)["disabled"] !== true) };
}

// A secret that is written out, rather than referred to, in a file that others on this computer can read.
function exposed(mode: number, text: string, backends: readonly BackendSpec[]): Issue[] {
  if (process.platform === "win32" || (mode & 0o077) === 0) return [];
  // A short value would be found in any text.
  const isWritten = (value: string): boolean => value.length >= fixedBounds.secretLengthMin && text.includes(JSON.stringify(value).slice(1, -1));
  const holder = backends.find(({ secrets }) => secrets.some((secret) => isWritten(secret.reveal())));
  if (holder === undefined) return [];
  const message = `holds a secret of the server “${holder.name}”, and others can read or change the file (mode ${(mode & 0o777).toString(8)})`;
  return [{ ...plainIssue(message), hint: 'chmod 600 it, or write ${VAR} or {"$file": …} in its place', isGrave: true }];
}

/** What a configuration is read from, without touching a disk. */
export interface ConfigSource {
  readonly text: string;
  /** Absolute. */
  readonly path: string;
  readonly variables: Variables;
  /** What its references to secrets lead to; absent: nothing that can be read. */
  readonly references?: References;
  /** The values for templates. */
  readonly context?: Context;
  readonly hash: string;
}

/** Checks and freezes the text of a configuration. */
export function parseConfig(source: ConfigSource): Loaded {
  const { text, hash } = source;
  const { document, issues } = parseDocument(text);
  if (document === null) return refused(issues, hash);
  const shape = checkShape(document);
  const all = [...issues, ...shape.issues, ...nameIssues(document), ...toolNameIssues(document)];
  if (shape.file === null || all.length > 0) return refused(all, hash);
  const { presets, issues: unreadable } = presetsOf(shape.file, document);
  const wrong = [...unreadable, ...instructionTemplateOf(shape.file, document).issues];
  return wrong.length > 0 ? refused(wrong, hash) : accepted(shape.file, document, presets, source);
}

function accepted(file: ConfigFile, document: Document, presets: ReadonlyMap<string, Preset>, { path, variables, references = new Map(), hash, context }: ConfigSource): Loaded {
  const limits = limitsOf(file);
  const around: Surroundings = { document, variables, defaults: file.serverDefaults ?? {}, limits, references, folder: dirname(path), isForSeveral: isForSeveral(file.auth) };
  const plain = Object.entries(file.mcpServers ?? {}).map(([name, entry]) => specOf(name, entry, around));
  const filled = context === undefined ? [] : Object.entries(file.mcpTemplates ?? {}).map(([name, entry]) => specOf(name, entry, { ...around, context }));
  const servers = [...plain, ...filled.map((one) => ({ ...one, spec: Object.freeze({ ...one.spec, isFilled: true as const }) }))];
  // Who is switched off may well lack what it needs.
  const notes = servers.flatMap(({ spec, notes }) => (spec.disabled ? [] : notes));
  const backends = servers.map(({ spec }) => spec);
  return { ok: true, config: configOf(file, { backends, path, limits, presets, instructionTemplate: instructionTemplateOf(file, document).template }), hash, warnings: inOrder([...defaultsNotes(around), ...(context === undefined ? templateNotes(file, document) : []), ...notes, ...presetNotes(presets, backends, document)]) };
}

/** What cannot be read of templates, whichever project comes. */
function templateNotes({ mcpTemplates = {} }: ConfigFile, document: Document): Issue[] {
  const inside = (path: Path, value: unknown): Issue[] => {
    if (typeof value === "object" && value !== null) return Object.entries(value).flatMap(([key, inner]) => inside([...path, Array.isArray(value) ? Number(key) : key], inner));
    const parsed = typeof value === "string" ? parseTemplate(value) : null;
    return parsed === null || parsed.ok ? [] : [valueIssue(document, path, `cannot be read at character ${parsed.at + 1}: ${parsed.problem}`)];
  };
  return inside(["mcpTemplates"], mcpTemplates);
}

function configOf(file: ConfigFile, { backends, path, limits, presets, instructionTemplate }: Pick<Config, "backends" | "path" | "limits" | "presets" | "instructionTemplate">): Config {
  return Object.freeze({
    path,
    backends: Object.freeze(backends),
    names: Object.freeze({ separator: file.names?.separator ?? separatorDefault }),
    instructions: file.instructions ?? null,
    instructionTemplate,
    limits,
    ...doorOf(file, path),
    auth: accessOf(file.auth, dirname(path ?? "/")),
    audit: auditOf(file.audit, limits),
    clientEra: file.clientEra ?? "any",
    catalog: file.catalog ?? "full",
    presets: Object.freeze(presets),
    pageSize: file.pageSize ?? null,
  });
}

function tlsOf(files: ConfigFile["tls"], path: string | null): Config["tls"] {
  if (files === undefined) return null;
  const at = (file: string): string => resolve(dirname(path ?? "/"), file);
  return Object.freeze({ cert: at(files.cert), key: at(files.key), ca: files.ca === undefined ? null : at(files.ca), requestCert: files.requestCert ?? false });
}

const auditOf = ({ file = "audit.log", maxBytes, maxFiles, calls = true }: NonNullable<ConfigFile["audit"]> = {}, limits: Config["limits"]): Config["audit"] =>
  Object.freeze({ file: file === "" ? null : file, bytesMax: maxBytes ?? limits.auditBytesMax, filesMax: maxFiles ?? limits.auditFilesMax, calls });

/** Where it listens, and who may come. */
const doorOf = (file: ConfigFile, path: string | null): Pick<Config, "host" | "port" | "publicUrl" | "allowedHosts" | "allowedOrigins" | "trustedProxies" | "tls"> => ({
  host: file.host ?? null,
  port: file.port ?? null,
  publicUrl: file.publicUrl ?? null,
  allowedHosts: listOf(file.allowedHosts),
  allowedOrigins: listOf(file.allowedOrigins),
  trustedProxies: listOf(file.trustedProxies),
  tls: tlsOf(file.tls, path),
});

const listOf = (items: readonly string[] | undefined): readonly string[] => Object.freeze([...(items ?? [])]);

/** A configuration without any server, and everything else at its default. */
export const emptyConfig = (): Config => configOf({}, { backends: [], path: null, limits: defaultLimits, presets: new Map(), instructionTemplate: null });

/** The configuration of a first run: one server, `demo`, which is the program that `argv` starts. */
export function demoConfig(argv: readonly string[]): Config {
  // What argv holds is meant literally.
  const [command, ...args] = argv.map((text) => text.replaceAll("${", () => "$${"));
  const text = JSON.stringify({ mcpServers: { demo: { command, args, tags: ["demo"] } } });
  const loaded = parseConfig({ text, path: "/", variables: new Map(), hash: "" });
  if (!loaded.ok) throw new Error("a program has at least one word");
  return Object.freeze({ ...loaded.config, path: null });
}

/** How another proxy of our kind is reached. */
export interface BridgeTarget {
  /** Its endpoint for all servers. */
  readonly url: string;
  /** Null: it asks for none. */
  readonly token: string | null;
  /** How long its handshake may take. */
  readonly timeoutMs: number;
}

// Whether a call takes too long is for the proxy at the other end to say.
const bridgedCallMsMax = 24 * 60 * 60 * 1000;
/** Whoever waits on a pipe should not wait long after the server is back. */
const bridgedBackoffMsMax = 500;

/** A configuration whose one server is another proxy of our kind, with others beside it; none is known yet for null. Throws USAGE for a URL that is none. */
export const bridgeConfig = (target: BridgeTarget | null, beside: readonly BackendSpec[] = []): Config => reachConfig(target === null ? {} : { [bridgedName]: target.url }, target ?? { token: null, timeoutMs: 0 }, beside);

/** A configuration with another proxy of our kind at each of these addresses, and others beside them. Throws USAGE for a URL that is none. */
export function reachConfig(urls: Readonly<Record<string, string>>, how: Pick<BridgeTarget, "token" | "timeoutMs">, beside: readonly BackendSpec[] = []): Config {
  const { limits, backends, ...rest } = bridgedOf(urls, how);
  const issue = backends.find((spec) => spec.issue !== null)?.issue ?? null;
  if (issue !== null) throw unusableUrl(issue);
  const bridged = backends.map((spec): BackendSpec => Object.freeze({ ...spec, isBridged: true, ...(beside.length === 0 ? {} : { prefix: "" }) }));
  // The proxy at the other end has bounds of its own for what it is sent.
  return Object.freeze({ ...rest, backends: Object.freeze([...bridged, ...beside]), limits: Object.freeze({ ...limits, bodyBytesMax: defaultLimits.messageBytesMax }), path: null });
}

const unusableUrl = ({ message }: Pick<Issue, "message">): Fault => fault("USAGE", { detail: `the URL of the server ${message}` });

function bridgedOf(urls: Readonly<Record<string, string>>, how: Pick<BridgeTarget, "token" | "timeoutMs">): Config {
  const entries = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, entryOf({ ...how, url })]));
  const text = JSON.stringify({ mcpServers: entries, limits: { backoffMsMax: bridgedBackoffMsMax } });
  const loaded = parseConfig({ text, path: "/", variables: new Map([["TOKEN", how.token ?? ""]]), hash: "" });
  if (!loaded.ok) throw unusableUrl(loaded.issues[0] ?? { message: "cannot be used" });
  return loaded.config;
}

function entryOf({ url, token, timeoutMs }: BridgeTarget): object {
  const literal = url.replaceAll("${", () => "$${");
  const headers = token === null ? {} : { Authorization: "Bearer ${TOKEN}" };
  return { type: "streamableHttp", url: literal, headers, isolation: "session", connectionTimeout: timeoutMs, requestTimeout: bridgedCallMsMax };
}

const refused = (issues: readonly Issue[], hash: string | null): Loaded => ({ ok: false, issues: inOrder(issues), hash });

const plainIssue = (message: string): Issue => Object.freeze({ path: Object.freeze([]), line: 0, column: 0, message, hint: null, server: null });

function decode(bytes: Uint8Array): string | null {
  try {
    // Drops a byte order mark, which editors on Windows write.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const readProblems: Readonly<Record<string, string>> = Object.freeze({
  ENOENT: "the file does not exist",
  EACCES: "the file may not be read by this user",
  EPERM: "the file may not be read by this user",
  EISDIR: "this is a folder",
});

async function readBytes(path: string): Promise<{ readonly bytes: Uint8Array; readonly mode: number } | { readonly problem: string }> {
  try {
    await using file = await openToRead(path);
    const found = await file.stat();
    // Pipes and devices may say nothing for ever, or never end.
    if (!found.isFile()) return { problem: found.isDirectory() ? "this is a folder" : "this is no file" };
    const max = fixedBounds.configBytesMax;
    return found.size > max ? { problem: `the file is larger than ${max} bytes` } : { bytes: await file.readFile(), mode: found.mode };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    return { problem: readProblems[code] ?? `the file cannot be read (${code})` };
  }
}
