/**
 * Whether a tool may be shown, and what little may be mended. Clients validate whole lists: one malformed tool would
 * cost them all the others, of every server.
 */
import type { Limits } from "../base/index.ts";
import { editObject, memberOf, mirroredArguments, objectOf, parseObject, quote, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import { objectSchema } from "./shape.ts";

/** What became of one tool. */
export type Soundness =
  /** `merged` is the text for lists of all servers, still under its own name; `linked` an app's URI that it names. */
  | { readonly ok: true; readonly merged: RawObject; readonly linked: string | null }
  /** `everywhere`: not even when its server alone is selected. */
  | { readonly ok: false; readonly everywhere: boolean; readonly reason: string };

/**
 * Judges one tool. Header annotations that break the rules take it out everywhere: a client over HTTP would have to
 * drop it (2026-07-28, basic/transports/streamable-http: x-mcp-header). An `inputSchema` is mended where it lacks its type
 * or says `true` for a schema; any other fault of it takes the tool out of lists of all servers. Its own server's list
 * stays as the backend wrote it.
 */
export function soundnessOf(tool: RawObject, limits: Limits): Soundness {
  const mirrored = mirroredArguments(tool, limits);
  if (!mirrored.ok) return { ok: false, everywhere: true, reason: `invalid x-mcp-header: ${mirrored.reason}` };
  const input = objectOf(tool, "inputSchema");
  if (input === null) return { ok: false, everywhere: false, reason: "inputSchema is not an object" };
  const typed = withObjectType(input, limits);
  if (typed === null) return { ok: false, everywhere: false, reason: 'the type of inputSchema is not "object"' };
  const schema = objectSchema(typed, limits);
  const merged = schema === null ? null : withSchema(tool, input, schema, limits);
  if (merged === null) return { ok: false, everywhere: false, reason: "properties or required of inputSchema are not what a schema holds" };
  return { ok: true, merged, linked: linkOf(tool) };
}

const withSchema = (tool: RawObject, before: RawObject, schema: RawObject, limits: Limits): RawObject | null =>
  schema === before ? tool : parseObject(editObject(tool, { inputSchema: rawOf(schema) }), limits);

function withObjectType(schema: RawObject, limits: Limits): RawObject | null {
  if (memberOf(schema, "type") !== null) return stringOf(schema, "type") === "object" ? schema : null;
  return parseObject(editObject(schema, { type: quote("object") }), limits);
}

// MCP Apps: the current place of the URI, then the deprecated one.
function linkOf(tool: RawObject): string | null {
  const meta = objectOf(tool, "_meta");
  if (meta === null) return null;
  const ui = objectOf(meta, "ui");
  const current = ui === null ? null : stringOf(ui, "resourceUri");
  return current ?? stringOf(meta, "ui/resourceUri");
}
