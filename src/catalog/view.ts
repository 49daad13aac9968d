/**
 * What one caller sees: the one choke point of visibility. Lists, calls, reads, completion and notices all ask a view,
 * and a view is built from the visible servers alone, so no path can lead outside it (security chapter, scopes).
 */
import type { Limits } from "../base/index.ts";
import { type Kind, type Principal, quote, type Raw, type RawObject, type Selection } from "../protocol/index.ts";
import { aliasEntry, meantBy, type UriKind } from "./alias.ts";
import { byKind, compareText } from "./order.ts";
import { pairEntries } from "./pair.ts";
import { createFinder } from "./search.ts";
import { selectorOf } from "./tagquery.ts";
import type { Catalog, Entry, Freshness, Pattern, Route, Server, View, ViewList, WholeList } from "./types.ts";

/** The member of a list's result that holds the items. */
const listMembers: Readonly<Record<Kind, string>> = Object.freeze({
  tools: "tools",
  prompts: "prompts",
  resources: "resources",
  templates: "resourceTemplates",
});

/** What a view depends on, as one string: callers and selections of equal keys see the same view. For memos. */
export function viewKeyOf({ scopes }: Principal, { server, filter }: Selection): string {
  // Scopes are texts: where all others have one, a filter's key has a list of them, or null.
  if (filter !== undefined) return JSON.stringify([server, scopes === null ? null : [...scopes].sort(compareText), filter]);
  // Asked for every call, so the usual case builds as little as it can; no two forms begin alike.
  if (scopes === null) return server === null ? "*" : `=${server}`;
  return JSON.stringify([server, ...[...scopes].sort(compareText)]);
}

/**
 * The view of a caller on a selection: what his scopes allow, and of that what the selection takes. A selection chooses
 * among allowed servers and never among all, so whatever it says it can only narrow. Pure: of the caller only the scopes
 * count.
 */
export function viewOf(catalog: Catalog, principal: Principal, selection: Selection): View {
  const allowed = catalog.servers.filter((server) => isAllowed(server, principal.scopes));
  return viewOn(catalog, selectedOf(allowed, catalog, selection), selection, principal.scopes !== null || selection.filter !== undefined);
}

/**
 * What somebody with every scope would see, without the servers of which nobody else shall know: the only place to look
 * for what a refused call could have meant.
 */
export function knownView(catalog: Catalog, selection: Selection): View {
  return viewOn(catalog, selectedOf(catalog.servers.filter((server) => !server.hidden), catalog, selection), selection, true);
}

function selectedOf(servers: readonly Server[], { presets }: Catalog, { server: alone, filter }: Selection): Server[] {
  const named = servers.filter(({ name }) => alone === null || alone === name);
  return filter === undefined ? named : named.filter(selectorOf(filter, presets));
}

function viewOn(catalog: Catalog, visible: readonly Server[], { server: alone, filter }: Selection, filtered: boolean): View {
  const servers = Object.freeze(visible);
  const whole = byKind((kind) => listOf(kind, servers, alone !== null, filtered, catalog.limits));
  const searched = catalog.searched && alone === null;
  return Object.freeze({
    server: alone,
    filter: filter ?? null,
    found: alone === null || servers.length > 0,
    servers,
    separator: catalog.separator,
    instructions: catalog.instructions,
    instructionTemplate: catalog.instructionTemplate,
    limits: catalog.limits,
    lists: searched ? Object.freeze({ ...whole, tools: pairList(whole.tools) }) : whole,
    finder: searched ? createFinder(whole.tools.entries, catalog.limits, catalog.indexes) : null,
    owners: ownersByUri(servers),
    linked: linkedByUri(servers),
    patterns: patternsOf(servers),
    schemes: schemesOf(servers),
  });
}

/** The scope that grants one server by name; characters that a scope cannot hold are percent-encoded (RFC 6749, 3.3). */
export const serverScope = (name: string): string => `server:${scopeText(name)}`;

/** The scope that grants every server with a tag. */
export const tagScope = (tag: string): string => `tag:${scopeText(tag)}`;

const scopeText = (name: string): string => name.replace(/[^!#$&-[\]-~]/gu, (character) => encodeURIComponent(character.toWellFormed()));

function isAllowed(server: Server, scopes: readonly string[] | null): boolean {
  return scopes === null || scopesFor(server).some((scope) => scopes.includes(scope));
}

/** The scopes each of which grants a server. */
export const scopesFor = ({ name, tags }: Pick<Server, "name" | "tags">): string[] => [serverScope(name), ...tags.map(tagScope)];

// ---- Lists

function listOf(kind: Kind, servers: readonly Server[], alone: boolean, filtered: boolean, limits: Limits): ViewList {
  const entries = Object.freeze(alone ? servers.flatMap((server) => server.own[kind]) : mergedOf(kind, servers, limits));
  return new List(kind, entries, routesOf(kind, entries, alone ? [] : servers), freshOf(kind, servers, filtered));
}

/** The pair in place of all tools, which can be called all the same. Everybody is shown the same, for as long as it is the way here. */
function pairList(whole: ViewList): ViewList {
  const routes = new Map([...whole.routes, ...pairEntries.map((entry) => [entry.public, entry.route] as const)]);
  return new List("tools", pairEntries, routes, Object.freeze({ until: 0, scope: "public" }));
}

function mergedOf(kind: Kind, servers: readonly Server[], limits: Limits): Entry[] {
  const entries = new Map<string, Entry>();
  const add = (entry: Entry | null): void => void (entry === null || entries.has(entry.public) || entries.set(entry.public, entry));
  for (const server of servers) {
    for (const entry of server.merged[kind]) add(isUriKind(kind) && (entries.has(entry.public) || isAliasOfOne(entry.public, servers)) ? aliasEntry(kind, entry, limits) : entry);
  }
  return [...entries.values()].sort((a, b) => compareText(a.public, b.public));
}

const isUriKind = (kind: Kind): kind is UriKind => kind === "resources" || kind === "templates";

// Nobody may list an alias that names another server: it would be read in that one's place.
function isAliasOfOne(uri: string, servers: readonly Server[]): boolean {
  const meant = meantBy(uri);
  return meant !== null && servers.some(({ name }) => name === meant.server);
}

function routesOf(kind: Kind, entries: readonly Entry[], aliased: readonly Server[]): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const entry of entries) if (!routes.has(entry.public)) routes.set(entry.public, entry.route);
  if (kind !== "tools" && kind !== "prompts") return routes;
  for (const [local, owners] of ownersByLocal(kind, aliased)) {
    const [owner, ...others] = owners;
    if (owner !== undefined && others.length === 0 && !routes.has(local)) routes.set(local, owner);
  }
  return routes;
}

// Apps call tools by their own names (MCP Apps): served where only one visible backend can be meant.
function ownersByLocal(kind: Kind, servers: readonly Server[]): ReadonlyMap<string, readonly Route[]> {
  const owners = new Map<string, Route[]>();
  for (const server of servers) {
    for (const { route } of server.merged[kind]) append(owners, route.local, route);
  }
  return owners;
}

/** 2026-07-28, server/utilities/caching: the shortest life of all contributions, and private dominates. */
function freshOf(kind: Kind, servers: readonly Server[], filtered: boolean): Freshness {
  const parts = servers.map((server) => server.fresh[kind]).filter((part) => part !== null);
  const until = parts.length === 0 ? 0 : Math.min(...parts.map((part) => part.until));
  const open = !filtered && parts.length > 0 && parts.every((part) => part.scope === "public");
  return Object.freeze({ until, scope: open ? "public" : "private" });
}

/** A list that is joined to one text at its first use, then served as it is: most lists are fetched whole and often. */
class List implements ViewList {
  readonly kind: Kind;
  readonly entries: readonly Entry[];
  readonly routes: ReadonlyMap<string, Route>;
  readonly fresh: Freshness;
  #whole: WholeList | null = null;

  constructor(kind: Kind, entries: readonly Entry[], routes: ReadonlyMap<string, Route>, fresh: Freshness) {
    this.kind = kind;
    this.entries = entries;
    this.routes = routes;
    this.fresh = fresh;
    Object.freeze(this);
  }

  whole(): WholeList {
    if (this.#whole !== null) return this.#whole;
    const items = Object.freeze(this.entries.map((entry) => entry.raw));
    this.#whole = Object.freeze({ items, result: listResult(this.kind, items, null) });
    return this.#whole;
  }
}

/** The result object of a list, its members located. */
export function listResult(kind: Kind, items: readonly Raw[], nextCursor: string | null): RawObject {
  const key = listMembers[kind];
  const head = `{${quote(key)}:`;
  const list = `[${items.join(",")}]`;
  const end = head.length + list.length;
  const first = { key, from: 1, start: head.length, end, inner: null };
  if (nextCursor === null) return Object.freeze({ text: `${head}${list}}`, open: 0, close: end + 1, members: [first] });
  const start = end + ',"nextCursor":'.length;
  const text = `${head}${list},"nextCursor":${quote(nextCursor)}}`;
  const second = { key: "nextCursor", from: end + 1, start, end: text.length - 1, inner: null };
  return Object.freeze({ text, open: 0, close: text.length, members: [first, second] });
}

// ---- Who may own a URI

function ownersByUri(servers: readonly Server[]): ReadonlyMap<string, readonly Route[]> {
  const owners = new Map<string, Route[]>();
  for (const server of servers) for (const { route } of server.merged.resources) append(owners, route.local, route);
  return owners;
}

function linkedByUri(servers: readonly Server[]): ReadonlyMap<string, readonly Route[]> {
  const owners = new Map<string, Route[]>();
  for (const server of servers) {
    for (const uri of server.linked) append(owners, uri, Object.freeze({ backend: server.name, local: uri, tool: null }));
  }
  return owners;
}

function patternsOf(servers: readonly Server[]): readonly Pattern[] {
  return Object.freeze(servers.flatMap((server) => server.patterns).sort((a, b) => b.prefix.length - a.prefix.length));
}

function schemesOf(servers: readonly Server[]): ReadonlyMap<string, string | null> {
  const schemes = new Map<string, string | null>();
  for (const server of servers) {
    for (const scheme of schemesOfOne(server)) schemes.set(scheme, schemes.has(scheme) ? null : server.name);
  }
  return schemes;
}

function schemesOfOne(server: Server): ReadonlySet<string> {
  const listed = [...server.merged.resources, ...server.merged.templates].map((entry) => schemeOf(entry.public));
  return new Set(listed.filter((scheme) => scheme !== null));
}

/** The scheme of a URI or template in lower case, or null (RFC 3986, 3.1). */
export const schemeOf = (uri: string): string | null => /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? null;

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
