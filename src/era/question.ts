/**
 * One question to a client: whether it may be asked at all, how it reads for each era, and what counts as an answer. The
 * only content that is changed is who asks, put in front of what a person reads where many servers stand behind us, and
 * whose conversations a server may see: its own words for that would now mean everybody's.
 */
import { defaultLimits } from "../base/index.ts";
import { type Answer, type Ask, editObject, elementsOf, emptyObject, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, rawOf, stringOf } from "../protocol/index.ts";
import { capabilityName, missingFor, type Need } from "./capability.ts";
import { olderSchema } from "./elicitation.ts";
import { isObject } from "./hop.ts";
import { isBefore, type LegacyRevision } from "./version.ts";
import { metaKeys } from "./words.ts";

type Kind = Ask["kind"];

export const questionMethods: Readonly<Record<Kind, string>> = Object.freeze({
  elicitation: "elicitation/create",
  sampling: "sampling/createMessage",
  roots: "roots/list",
});

const kinds = Object.freeze(["elicitation", "sampling", "roots"] as const);

/** What kind of question this method is, or null. */
export const kindOf = (method: string): Kind | null => kinds.find((kind) => questionMethods[kind] === method) ?? null;

// ---- May it be asked -------------------------------------------------------------------------------------------

const isUrl = (params: RawObject): boolean => stringOf(params, "mode") === "url";
const hasTools = (params: RawObject): boolean => memberOf(params, "tools") !== null || memberOf(params, "toolChoice") !== null;

/** What a client of this revision lacks to be asked this. What its revision does not know it cannot have declared. */
export function legacyMissing(kind: Kind, params: RawObject, declared: RawObject, revision: LegacyRevision): Need {
  if (kind === "elicitation" && isBefore(revision, isUrl(params) ? "2025-11-25" : "2025-06-18")) return { elicitation: { [isUrl(params) ? "url" : "form"]: {} } };
  if (kind === "sampling" && hasTools(params) && isBefore(revision, "2025-11-25")) return { sampling: { tools: {} } };
  return missingFor(questionMethods[kind], params, declared);
}

/** What the backend hears when the client cannot be asked: an undeclared mode is a wrong parameter, all else an unknown method. */
export function refusedAnswer(kind: Kind, need: Need, declared: RawObject): Answer {
  const code = kind === "elicitation" && objectOf(declared, "elicitation") !== null ? -32602 : -32601;
  const what = need === null || need === "unknown" ? "in the middle of this method" : `without the capability ${capabilityName(need)}`;
  const required = need === null || need === "unknown" ? "" : `,"requiredCapabilities":${JSON.stringify(need)}`;
  return errorAnswer(code, `the client cannot be asked this ${what}`, `{"origin":"1mcp"${required}}`);
}

const errorAnswer = (code: number, message: string, data: Raw): Answer => ({ ok: false, error: { code, message, data, raw: `{"code":${code},"message":${quote(message)},"data":${data}}` } });

// ---- How it reads ----------------------------------------------------------------------------------------------

/** Who asks: the configured name of a server that is one of many here; null where it is alone. */
export const askerOf = (backend: string, server: string | null): string | null => (server === null && backend !== "" ? backend : null);

type Changes = Record<string, Raw | null>;

/** What changes for every client, whatever its era. */
function commonChanges(kind: Kind, params: RawObject, asker: string | null): Changes {
  const changes: Changes = { task: null, _meta: metaWithoutToken(params) };
  if (kind === "elicitation" && asker !== null) signed(params, asker, changes);
  const context = memberOf(params, "includeContext");
  if (kind === "sampling" && context !== null && context !== '"none"') changes["includeContext"] = '"none"';
  return changes;
}

function signed(params: RawObject, asker: string, changes: Changes): void {
  const message = memberOf(params, "message");
  if (message?.startsWith('"') === true) changes["message"] = `${quote(`[${asker}] `).slice(0, -1)}${message.slice(1)}`;
}

// The token and the task name something at the backend's side of us alone.
function metaWithoutToken(params: RawObject): Raw | null {
  const meta = objectOf(params, "_meta");
  if (meta === null) return memberOf(params, "_meta");
  const text = editObject(meta, { progressToken: null, [metaKeys.relatedTask]: null });
  return text === "{}" ? null : text;
}

/** The parameters for a modern client; null for none. */
export function modernParams(kind: Kind, params: RawObject | null, asker: string | null): Raw | null {
  return params === null ? null : editObject(params, { ...commonChanges(kind, params, asker), elicitationId: null });
}

/** The parameters for a client of this revision; "inexpressible" when it has no words for them. */
export function legacyParams(kind: Kind, params: RawObject | null, asker: string | null, revision: LegacyRevision): Raw | null | "inexpressible" {
  if (params === null) return null;
  const changes = commonChanges(kind, params, asker);
  const isExpressible = inOldWords[kind](params, revision, changes);
  return isExpressible ? editObject(params, changes) : "inexpressible";
}

/** What else changes for a session, and whether it can; older ones know less. */
const inOldWords: Readonly<Record<Kind, (params: RawObject, revision: LegacyRevision, changes: Changes) => boolean>> = Object.freeze({
  elicitation(params, revision, changes) {
    if (isBefore(revision, "2025-11-25")) return olderForm(params, changes);
    if (isUrl(params) && memberOf(params, "elicitationId") === null) changes["elicitationId"] = quote(crypto.randomUUID());
    return true;
  },
  sampling(params, revision, changes) {
    if (isBefore(revision, "2025-11-25")) flatten(params, revision, changes);
    return true;
  },
  roots: () => true,
});

function olderForm(params: RawObject, changes: Changes): boolean {
  changes["mode"] = null;
  const schema = objectOf(params, "requestedSchema");
  const converted = schema === null ? null : olderSchema(schema);
  if (converted !== null) changes["requestedSchema"] = converted;
  return schema === null || converted !== null;
}

// A message of several blocks becomes several messages of one.
function flatten(params: RawObject, revision: LegacyRevision, changes: Changes): void {
  const messages = elementsOf(memberOf(params, "messages") ?? "", defaultLimits);
  if (messages === null) return;
  changes["messages"] = `[${messages.flatMap((raw) => singleBlocks(raw, !isBefore(revision, "2025-03-26"))).join(",")}]`;
}

function singleBlocks(raw: Raw, hasAudio: boolean): readonly Raw[] {
  const message = parseObject(raw, defaultLimits);
  const content = message === null ? null : memberOf(message, "content");
  if (message === null || content === null) return [raw];
  const blocks = elementsOf(content, defaultLimits) ?? [content];
  return blocks.map((block) => editObject(message, { content: hasAudio ? block : withoutAudio(block) }));
}

// There is nothing in its place that a model could hear; it reads that there was something.
function withoutAudio(raw: Raw): Raw {
  const block = raw.includes('"audio"') ? parseObject(raw, defaultLimits) : null;
  if (block === null || stringOf(block, "type") !== "audio") return raw;
  return `{"type":"text","text":${quote(`[audio, ${stringOf(block, "mimeType") ?? "of an unknown type"}]`)}}`;
}

/** The questions of a backend as a modern client shall read them. */
export function relayedRequests(requests: RawObject, asker: string | null): Raw {
  const changes: Changes = {};
  for (const { key } of requests.members) {
    const question = objectOf(requests, key) ?? emptyObject;
    const kind = kindOf(stringOf(question, "method") ?? "");
    const params = objectOf(question, "params");
    if (kind !== null && params !== null) changes[key] = editObject(question, { params: modernParams(kind, params, asker) });
  }
  return editObject(requests, changes);
}

/** One question as an entry of a result that wants input. */
export const requestEntry = (kind: Kind, params: Raw | null): Raw => `{"method":"${questionMethods[kind]}"${params === null ? "" : `,"params":${params}`}}`;

// ---- What counts as an answer ----------------------------------------------------------------------------------

const actions: Readonly<Record<string, true>> = Object.freeze({ accept: true, decline: true, cancel: true });

const shapes: Readonly<Record<Kind, (answer: RawObject) => boolean>> = Object.freeze({
  elicitation: (answer) => Object.hasOwn(actions, stringOf(answer, "action") ?? "") && (memberOf(answer, "content") === null || objectOf(answer, "content") !== null),
  sampling: (answer) => stringOf(answer, "role") !== null && stringOf(answer, "model") !== null && /^[{[]/u.test(memberOf(answer, "content") ?? ""),
  roots: (answer) => memberOf(answer, "roots")?.startsWith("[") === true,
});

/** The response of that key, if it has the shape of an answer; else null. */
export function responseOf(kind: Kind, responses: RawObject, key: string): Raw | null {
  const answer = isObject(memberOf(responses, key)) ? objectOf(responses, key) : null;
  return answer !== null && shapes[kind](answer) ? rawOf(answer) : null;
}

/** What a backend gets when nobody answered in time. Only a form has a word for that; -1 is what rejecting was called. */
export function silentAnswer(kind: Kind): Answer {
  if (kind === "elicitation") return { ok: true, result: '{"action":"cancel"}' };
  return errorAnswer(kind === "sampling" ? -1 : -32603, "nobody answered in time", '{"origin":"1mcp"}');
}
