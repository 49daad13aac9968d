/**
 * Which extensions are whose. Nothing in the protocol says which method, or which type of a result, belongs to an
 * extension that nobody here knows; so among many servers such a one is served only where a single visible server has
 * it (2026-07-28, basic: extensions). Tasks are adapted here and everybody's, and what lives in content and `_meta` alone
 * needs no owner.
 */
import type { Limits } from "../base/index.ts";
import { emptyObject, objectOf, parseObject, type Raw, type RawObject, rawOf } from "../protocol/index.ts";
import type { View } from "./types.ts";

/** An extension whose identifiers are adapted here, so that it works with any server that has it. */
export const adapted = "io.modelcontextprotocol/tasks";

/** Extensions that go through as they are: served by whoever has them. */
export const transparent: readonly string[] = Object.freeze(["io.modelcontextprotocol/ui"]);

/** It is one that nobody here knows, so that it may be a single server's own. */
export const isOwnable = (extension: string): boolean => extension !== adapted && !transparent.includes(extension);

/** The extensions in these capabilities; none where there are none that can be read. */
export function extensionsIn(capabilities: Raw, limits: Limits): RawObject {
  if (!capabilities.includes("extensions")) return emptyObject;
  return objectOf(parseObject(capabilities, limits) ?? emptyObject, "extensions") ?? emptyObject;
}

/** Extensions that one visible server alone has, and that nobody here knows: server → their names. */
export function ownExtensions({ servers, limits }: View): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string | null>();
  for (const { name, capabilities } of servers) {
    for (const extension of ownableIn(extensionsIn(capabilities, limits))) owners.set(extension, owners.has(extension) ? null : name);
  }
  const own = new Map<string, readonly string[]>();
  for (const [extension, owner] of owners) if (owner !== null) own.set(owner, Object.freeze([...(own.get(owner) ?? []), extension]));
  return own;
}

const ownableIn = (extensions: RawObject): string[] => extensions.members.map(({ key }) => key).filter((key) => isOwnable(key) && settingsOf(extensions, key) !== null);

/** The settings of an extension. Anything but an object would make a whole announcement unreadable, for clients of every server. */
export function settingsOf(extensions: RawObject, extension: string): Raw | null {
  const settings = objectOf(extensions, extension);
  return settings === null ? null : rawOf(settings);
}
