/**
 * What is announced. On all servers a constant: the announcement must not change when backends come and go, and an empty
 * list is legal (2026-07-28, server/discover). On one server the backend's own, without what is not served here.
 */
import type { Limits } from "../base/index.ts";
import { editObject, type Kind, parseObject, quote, type Raw } from "../protocol/index.ts";
import type { View } from "./types.ts";

const allServers: Raw =
  '{"tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"completions":{},"logging":{}}';

const advertisedAs: Readonly<Record<Kind, string>> = Object.freeze({
  tools: "tools",
  prompts: "prompts",
  resources: "resources",
  templates: "resources",
});

// Members of a capability that stand for something not served here yet; null: the whole capability.
const unserved: Readonly<Record<string, string | null>> = Object.freeze({
  tasks: null,
  extensions: "io.modelcontextprotocol/tasks",
});

/** JSON text of the capabilities that a view announces. */
export function capabilitiesOf(view: View): Raw {
  if (view.server === null) return allServers;
  return view.servers[0]?.capabilities ?? "{}";
}

/** JSON text of a backend's own capabilities as they may be announced. */
export function ownCapabilities(capabilities: ReadonlyMap<string, Raw>, limits: Limits): Raw {
  const members: string[] = [];
  for (const [name, raw] of capabilities) {
    const served = servedPart(name, raw, limits);
    if (served !== null) members.push(`${quote(name)}:${served}`);
  }
  return `{${members.join(",")}}`;
}

/** Whether a backend with these capabilities has lists of this kind at all. */
export const hasKind = (capabilities: ReadonlyMap<string, Raw>, kind: Kind): boolean => capabilities.has(advertisedAs[kind]);

function servedPart(name: string, raw: Raw, limits: Limits): Raw | null {
  if (!Object.hasOwn(unserved, name)) return raw;
  const member = unserved[name] ?? null;
  if (member === null) return null;
  const object = parseObject(raw, limits);
  return object === null ? raw : editObject(object, { [member]: null });
}
