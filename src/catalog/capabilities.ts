/**
 * What is announced. On all servers a constant: the announcement must not change when backends come and go, and an empty
 * list is legal (2026-07-28, server/discover); only extensions that we have no part in are added as servers bring them.
 * On one server the backend's own, without what is not served here.
 */
import { type Kind, quote, type Raw } from "../protocol/index.ts";
import { adapted, extensionsIn, ownExtensions, settingsOf, transparent } from "./extensions.ts";
import type { View } from "./types.ts";

const allServers =
  '{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"completions":{},"logging":{}';

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

/**
 * Of a transparent extension the settings of its only owner; of several owners none, for they may differ. An extension
 * that nobody here knows is announced where one server alone has it.
 */
function extensionsOf(view: View): Raw {
  const members = new Map([[adapted, "{}"]]);
  const all = view.servers.map(({ name, capabilities }) => [name, extensionsIn(capabilities, view.limits)] as const);
  for (const extension of transparent) {
    const [only, ...others] = all.flatMap(([, extensions]) => settingsOf(extensions, extension) ?? []);
    if (only !== undefined) members.set(extension, others.length === 0 ? only : "{}");
  }
  const own = ownExtensions(view);
  for (const [name, extensions] of all) for (const extension of own.get(name) ?? []) members.set(extension, settingsOf(extensions, extension) ?? "{}");
  return `{${[...members].map(([name, settings]) => `${quote(name)}:${settings}`).join(",")}}`;
}

/** Whether a backend with these capabilities has lists of this kind at all. */
export const hasKind = (capabilities: ReadonlyMap<string, Raw>, kind: Kind): boolean => capabilities.has(advertisedAs[kind]);
