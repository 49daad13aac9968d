/**
 * The names of servers as they meet each other: reserved ones, the separator inside one, two that would look the same
 * to a client; and how many there may be, of presets too. Looks at the document itself, so that these issues come together with those of the shape.
 */
import { defaultLimits } from "../base/index.ts";
import { type Document, objectIn } from "./document.ts";
import { keyIssue, valueIssue } from "./issues.ts";
import type { Issue } from "./types.ts";

const reserved = "1mcp";
/** The other proxy's name in the configuration of a bridge. */
export const bridgedName = "server";

/** Issues about the names and prefixes of all servers. */
export function nameIssues(document: Document): Issue[] {
  const servers = Object.entries(objectIn(objectIn(document.value)["mcpServers"]));
  const separator = textIn(objectIn(objectIn(document.value)["names"])["separator"]) ?? "__";
  const named = servers.flatMap(([name, entry]) => [...ownNameIssues(document, name, separator), ...ownPrefixIssues(document, name, entry, separator)]);
  return [...named, ...templateIssues(document, separator), ...tooMany(document, "mcpServers", "servers", "backendsMax"), ...tooMany(document, "presets", "presets", "presetsMax"), ...samePrefixes(document, servers)];
}

/** A name exists once, whichever kind has it. */
function templateIssues(document: Document, separator: string): Issue[] {
  const servers = objectIn(objectIn(document.value)["mcpServers"]);
  return Object.keys(objectIn(objectIn(document.value)["mcpTemplates"])).flatMap((name) => [
    ...(Object.hasOwn(servers, name) ? [keyIssue(document, ["mcpTemplates", name], "is the name of a server too", "rename one of them")] : []),
    ...(name === bridgedName ? [keyIssue(document, ["mcpTemplates", name], "is what the running proxy is called beside it", "rename it")] : []),
    ...ownNameIssues(document, name, separator, "mcpTemplates"),
  ]);
}

type Server = readonly [name: string, entry: unknown];

function ownNameIssues(document: Document, name: string, separator: string, section = "mcpServers"): Issue[] {
  const path = [section, name];
  if (name.toLowerCase() === reserved) return [keyIssue(document, path, "is reserved for the proxy's own tools")];
  if (separator === "" || !name.includes(separator)) return [];
  return [keyIssue(document, path, `must not contain the separator “${separator}”`, "rename the server, or choose another names.separator")];
}

function ownPrefixIssues(document: Document, name: string, entry: unknown, separator: string): Issue[] {
  const prefix = textIn(objectIn(entry)["prefix"]);
  if (prefix === null) return [];
  const path = ["mcpServers", name, "prefix"];
  if (prefix.toLowerCase() === reserved) return [valueIssue(document, path, "is reserved for the proxy's own tools")];
  if (separator === "" || !prefix.includes(separator)) return [];
  return [valueIssue(document, path, `must not contain the separator “${separator}”`)];
}

const tooMany = (document: Document, section: string, what: string, limit: "backendsMax" | "presetsMax"): Issue[] => {
  const top = objectIn(document.value);
  const count = Object.keys(objectIn(top[section])).length;
  const max = numberIn(objectIn(top["limits"])[limit]) ?? defaultLimits[limit];
  return count <= max ? [] : [keyIssue(document, [section], `has ${count} ${what}; limits.${limit} is ${max}`)];
};

// Of what is disabled nothing is visible: two variants of a server, one of them switched off, are no collision.
function samePrefixes(document: Document, servers: readonly Server[]): Issue[] {
  const visible = servers.filter(([, entry]) => objectIn(entry)["disabled"] !== true);
  const prefixes = visible.map(([name, entry]) => [textIn(objectIn(entry)["prefix"]) ?? name, name] as const).filter(([prefix]) => prefix !== "");
  return repeated(prefixes).map(([name, first]) => {
    const path = textIn(objectIn(servers.find(([other]) => other === name)?.[1])["prefix"]) === null ? ["mcpServers", name] : ["mcpServers", name, "prefix"];
    return keyIssue(document, path, `gives the same public names as “${first}”`, "give each server a prefix of its own");
  });
}

/** Of pairs of key and name: each name whose key was there before, with the first name of that key. */
function repeated(pairs: readonly (readonly [key: string, name: string])[]): (readonly [name: string, first: string])[] {
  const firsts = new Map<string, string>();
  return pairs.flatMap(([key, name]) => {
    const first = firsts.get(key);
    if (first !== undefined) return [[name, first] as const];
    firsts.set(key, name);
    return [];
  });
}

const textIn = (value: unknown): string | null => (typeof value === "string" ? value : null);
const numberIn = (value: unknown): number | null => (typeof value === "number" ? value : null);
