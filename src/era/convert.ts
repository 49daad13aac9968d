/**
 * Results on their way to a legacy client: what its revision does not know is removed or rebuilt, by a table, and all
 * the rest stays byte for byte. Unknown fields harm nobody; unknown kinds of content, strict empty results and values
 * where an object is expected do.
 */
import type { Limits } from "../base/index.ts";
import { editObject, elementsOf, emptyObject, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import { isObject } from "./hop.ts";
import { isBefore, type LegacyRevision } from "./version.ts";
import { metaKeys } from "./words.ts";

type Changes = Record<string, Raw | null>;

/** One method's own conversion; writes what is to be changed. */
type Step = (result: RawObject, revision: LegacyRevision, limits: Limits, changes: Changes) => void;

const modernOnly: Readonly<Record<string, true>> = Object.freeze({ resultType: true, ttlMs: true, cacheScope: true });

/** The result's text for a client of this revision. */
export function legacyResult(result: RawObject, method: string, revision: LegacyRevision, limits: Limits): Raw {
  const changes: Changes = {};
  for (const { key } of result.members) {
    if (Object.hasOwn(modernOnly, key)) changes[key] = null;
    else if (key === "_meta") identityRemoved(result, changes);
  }
  const step = Object.hasOwn(steps, method) ? steps[method] : undefined;
  step?.(result, revision, limits, changes);
  for (const _ in changes) return editObject(result, changes);
  return rawOf(result);
}

function identityRemoved(result: RawObject, changes: Changes): void {
  const meta = objectOf(result, "_meta");
  if (meta === null || memberOf(meta, metaKeys.serverInfo) === null) return;
  changes["_meta"] = meta.members.length === 1 ? null : editObject(meta, { [metaKeys.serverInfo]: null });
}

const steps: Readonly<Record<string, Step>> = Object.freeze({
  "tools/call": toolResult,
  "tools/list": toolList,
  "prompts/get": promptResult,
});

/** Content blocks a revision may not know, and what stands in their place. */
const blocks: Readonly<Record<string, { readonly since: LegacyRevision; readonly rebuilt: (block: RawObject) => Raw }>> = Object.freeze({
  audio: { since: "2025-03-26", rebuilt: embeddedOf },
  resource_link: { since: "2025-06-18", rebuilt: linkTextOf },
});

const oldestWithAll: LegacyRevision = "2025-06-18";

// The bytes stay available to a client that has only resources.
function embeddedOf(block: RawObject): Raw {
  const mimeType = memberOf(block, "mimeType") ?? '"application/octet-stream"';
  return `{"type":"resource","resource":{"uri":"attachment:audio","mimeType":${mimeType},"blob":${memberOf(block, "data") ?? '""'}}}`;
}

function linkTextOf(block: RawObject): Raw {
  const name = stringOf(block, "title") ?? stringOf(block, "name") ?? "resource";
  return `{"type":"text","text":${quote(`${name}: ${stringOf(block, "uri") ?? ""}`)}}`;
}

/** One content block for this revision; the same text if it is known there. */
function blockOf(raw: Raw, revision: LegacyRevision, limits: Limits): Raw {
  const block = parseObject(raw, limits);
  const type = block === null ? null : stringOf(block, "type");
  const row = type !== null && Object.hasOwn(blocks, type) ? blocks[type] : undefined;
  return block === null || row === undefined || !isBefore(revision, row.since) ? raw : row.rebuilt(block);
}

const mayHoldUnknown = (raw: Raw): boolean => raw.includes('"audio"') || raw.includes('"resource_link"');

function toolResult(result: RawObject, revision: LegacyRevision, limits: Limits, changes: Changes): void {
  const content = memberOf(result, "content");
  const known = content === null ? "[]" : knownContent(content, revision, limits);
  const structured = memberOf(result, "structuredContent");
  const dropped = structured !== null && (isBefore(revision, oldestWithAll) || !isObject(structured));
  if (dropped) changes["structuredContent"] = null;
  const converted = dropped ? withText(known, structured, limits) : known;
  if (converted !== content) changes["content"] = converted;
}

const knownContent = (content: Raw, revision: LegacyRevision, limits: Limits): Raw =>
  isBefore(revision, oldestWithAll) && mayHoldUnknown(content) ? contentOf(content, revision, limits) : content;

function contentOf(content: Raw, revision: LegacyRevision, limits: Limits): Raw {
  const elements = elementsOf(content, unbounded(limits));
  return elements === null ? content : `[${elements.map((element) => blockOf(element, revision, limits)).join(",")}]`;
}

/** Content that has the value as text, if nothing in it says as much. */
function withText(content: Raw, value: Raw, limits: Limits): Raw {
  const elements = elementsOf(content, unbounded(limits)) ?? [];
  const isTold = elements.some((element) => tells(parseObject(element, limits) ?? emptyObject, value));
  return isTold ? content : `[${[...elements, `{"type":"text","text":${quote(value)}}`].join(",")}]`;
}

// Of an object any text is the server's own word for it; any other value has none but its JSON (2026-07-28, server/tools).
function tells(block: RawObject, value: Raw): boolean {
  if (stringOf(block, "type") !== "text") return false;
  return isObject(value) || isSameJson(stringOf(block, "text") ?? "", value);
}

function isSameJson(text: string, value: Raw): boolean {
  try {
    return Bun.deepEquals(JSON.parse(text), JSON.parse(value), true);
  } catch {
    return false;
  }
}

/** A list that was once let in is converted whole, however many servers' items are in it. */
const unbounded = (limits: Limits): Limits => ({ ...limits, listItemsMax: Number.MAX_SAFE_INTEGER });

function promptResult(result: RawObject, revision: LegacyRevision, limits: Limits, changes: Changes): void {
  const messages = memberOf(result, "messages");
  if (messages === null || !isBefore(revision, oldestWithAll) || !mayHoldUnknown(messages)) return;
  const elements = elementsOf(messages, unbounded(limits));
  if (elements !== null) changes["messages"] = `[${elements.map((element) => promptMessage(element, revision, limits)).join(",")}]`;
}

function promptMessage(raw: Raw, revision: LegacyRevision, limits: Limits): Raw {
  const message = parseObject(raw, limits);
  const content = message === null ? null : memberOf(message, "content");
  return message === null || content === null ? raw : editObject(message, { content: blockOf(content, revision, limits) });
}

function toolList(result: RawObject, revision: LegacyRevision, limits: Limits, changes: Changes): void {
  const tools = memberOf(result, "tools");
  if (tools === null || (!tools.includes('"outputSchema"') && !tools.includes('"execution"'))) return;
  const elements = elementsOf(tools, unbounded(limits));
  if (elements !== null) changes["tools"] = `[${elements.map((tool) => legacyTool(tool, revision, limits)).join(",")}]`;
}

function legacyTool(raw: Raw, revision: LegacyRevision, limits: Limits): Raw {
  const tool = parseObject(raw, limits);
  if (tool === null) return raw;
  const output = objectOf(tool, "outputSchema");
  const known = !isBefore(revision, oldestWithAll) && output !== null && stringOf(output, "type") === "object";
  return editObject(tool, known ? withoutTasks : withoutOutput);
}

const withoutTasks = Object.freeze({ execution: null });
const withoutOutput = Object.freeze({ execution: null, outputSchema: null });

/** A list of tools without what only the 2025-11-25 tasks use; we serve none of them. */
export function withoutExecution(result: RawObject, limits: Limits): RawObject {
  const tools = memberOf(result, "tools");
  if (tools === null || !tools.includes('"execution"')) return result;
  const elements = elementsOf(tools, unbounded(limits));
  if (elements === null) return result;
  const kept = elements.map((raw) => {
    const tool = parseObject(raw, limits);
    return tool === null ? raw : editObject(tool, withoutTasks);
  });
  return parseObject(editObject(result, { tools: `[${kept.join(",")}]` }), { ...limits, membersMax: Number.MAX_SAFE_INTEGER }) ?? result;
}
