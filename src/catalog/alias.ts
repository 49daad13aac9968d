/**
 * Another name for a resource or template whose URI an earlier server lists too. URIs are never rewritten but for this:
 * the second owner's resource would otherwise be out of reach. The alias says whose it is and holds the URI whole: that
 * of a resource escaped; that of a template as it is, since whoever expands it escapes the values once and no more.
 */
import type { Limits } from "../base/index.ts";
import { editObject, parseObject, quote } from "../protocol/index.ts";
import type { Entry } from "./types.ts";

/** Kinds whose identifiers are URIs, which are not renamed. */
export type UriKind = "resources" | "templates";

/** How every alias begins, of whichever proxy. */
export const aliasStart = "x-1mcp://";

/** Somebody's alias: ours, or of another one of our kind. */
export const isAlias = (uri: string): boolean => uri.slice(0, aliasStart.length).toLowerCase() === aliasStart;

/** The alias of a server's URI. */
export const aliasOf = (server: string, uri: string): string => `${aliasStart}${server}/${encodeURIComponent(uri.toWellFormed())}`;

/** The alias of a server's URI template; expanded it is an alias of what the template expands to. */
export const templateAliasOf = (server: string, template: string): string => `${aliasStart}${server}/-/${template}`;

/** What an alias stands for; null where the URI is none. */
export function meantBy(uri: string): { readonly server: string; readonly uri: string } | null {
  const [, server, plain, escaped] = /^x-1mcp:\/\/([^/]+)\/(?:-\/([^]+)|([^/]+))$/.exec(uri) ?? [];
  if (server === undefined) return null;
  if (plain !== undefined) return { server, uri: plain };
  try {
    return { server, uri: decodeURIComponent(escaped ?? "") };
  } catch {
    // Its percent signs make no text: it is somebody else's URI.
    return null;
  }
}

/** The entry of a resource or template under its alias. */
export function aliasEntry(kind: UriKind, { route, raw }: Entry, limits: Limits): Entry | null {
  const object = parseObject(raw, limits);
  if (object === null) return null;
  const shown = (kind === "resources" ? aliasOf : templateAliasOf)(route.backend, route.local);
  return Object.freeze({ public: shown, route, raw: editObject(object, { [kind === "resources" ? "uri" : "uriTemplate"]: quote(shown) }) });
}
