/**
 * Another name for a resource whose URI an earlier server lists too. URIs are never rewritten but for this: the second
 * owner's resource would otherwise be out of reach. The alias says whose it is and holds the URI whole.
 */
import type { Limits } from "../base/index.ts";
import { editObject, parseObject, quote } from "../protocol/index.ts";
import type { Entry } from "./types.ts";

/** The alias of a server's URI. */
export const aliasOf = (server: string, uri: string): string => `x-1mcp://${server}/${encodeURIComponent(uri.toWellFormed())}`;

/** What an alias stands for; null where the URI is none. */
export function meantBy(uri: string): { readonly server: string; readonly uri: string } | null {
  const [, server, escaped] = /^x-1mcp:\/\/([^/]+)\/([^/]+)$/.exec(uri) ?? [];
  if (server === undefined || escaped === undefined) return null;
  try {
    return { server, uri: decodeURIComponent(escaped) };
  } catch {
    // Its percent signs make no text: it is somebody else's URI.
    return null;
  }
}

/** The entry of a resource under its alias. */
export function aliasEntry({ route, raw }: Entry, limits: Limits): Entry | null {
  const shown = aliasOf(route.backend, route.local);
  const object = parseObject(raw, limits);
  return object === null ? null : Object.freeze({ public: shown, route, raw: editObject(object, { uri: quote(shown) }) });
}
