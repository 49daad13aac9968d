/**
 * What is announced. On all servers a constant: the announcement must not change when backends come and go, and an empty
 * list is legal (2026-07-28, server/discover); only extensions that we have no part in are added as servers bring them.
 * On one server the backend's own, without what is not served here.
 */
import type { Limits } from "../base/index.ts";
import { emptyObject, type Kind, objectOf, parseObject, quote, type Raw, rawOf } from "../protocol/index.ts";
import type { View } from "./types.ts";

const allServers =
  '{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"completions":{},"logging":{}';

/** An extension whose identifiers are adapted here, so that it works with any server that has it. */
const adapted = "io.modelcontextprotocol/tasks";

/** Extensions that live in content and `_meta` alone, which go through as they are: served by whoever has them. */
const transparent = Object.freeze(["io.modelcontextprotocol/ui"]);

const advertisedAs: Readonly<Record<Kind, string>> = Object.freeze({
  tools: "tools",
  prompts: "prompts",
  resources: "resources",
  templates: "resources",
});

// Served to nobody: the tasks of 2025-11-25.
const unserved = "tasks";

/** JSON text of the capabilities that a view announces. */
export function capabilitiesOf(view: View): Raw {
  if (view.server === null) return `${allServers},"extensions":${extensionsOf(view)}}`;
  return view.servers[0]?.capabilities ?? "{}";
}

/** JSON text of a backend's own capabilities as they may be announced. */
export function ownCapabilities(capabilities: ReadonlyMap<string, Raw>): Raw {
  const members: string[] = [];
  for (const [name, raw] of capabilities) if (name !== unserved) members.push(`${quote(name)}:${raw}`);
  return `{${members.join(",")}}`;
}

/** Of a transparent extension the settings of its only owner; of several owners none, for they may differ. */
function extensionsOf({ servers, limits }: View): Raw {
  const members = [`${quote(adapted)}:{}`];
  for (const extension of transparent) {
    const [only, ...others] = servers.flatMap(({ capabilities }) => settingsOf(capabilities, extension, limits) ?? []);
    if (only !== undefined) members.push(`${quote(extension)}:${others.length === 0 ? only : "{}"}`);
  }
  return `{${members.join(",")}}`;
}

// Anything but an object would make the whole announcement unreadable, for clients of every server.
function settingsOf(capabilities: Raw, extension: string, limits: Limits): Raw | null {
  if (!capabilities.includes(extension)) return null;
  const settings = objectOf(objectOf(parseObject(capabilities, limits) ?? emptyObject, "extensions") ?? emptyObject, extension);
  return settings === null ? null : rawOf(settings);
}

/** Whether a backend with these capabilities has lists of this kind at all. */
export const hasKind = (capabilities: ReadonlyMap<string, Raw>, kind: Kind): boolean => capabilities.has(advertisedAs[kind]);
