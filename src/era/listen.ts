/**
 * `subscriptions/listen`: a stream that stands as long as its client wants, each message tagged with the id of the
 * request that opened it (2026-07-28, basic/patterns/subscriptions). Lists are ours to watch; single resources are not
 * carried yet, so they are left out of the acknowledgement.
 */
import { fault, faultOf } from "../base/index.ts";
import { emptyObject, memberOf, notificationText, objectOf, type Raw, type RawObject, type Request, resultText, sseEvent } from "../protocol/index.ts";
import { refusalOut } from "./exchange.ts";
import type { North } from "./north.ts";
import { streamOut } from "./streams.ts";
import type { Caller, HttpIn, HttpOut } from "./types.ts";
import { metaKeys } from "./words.ts";

export type ListKind = "tools" | "prompts" | "resources";

/** The notification that a list has changed. */
export const changeMethods: Readonly<Record<ListKind, string>> = Object.freeze({
  tools: "notifications/tools/list_changed",
  prompts: "notifications/prompts/list_changed",
  resources: "notifications/resources/list_changed",
});

const wishes: Readonly<Record<string, ListKind>> = Object.freeze({
  toolsListChanged: "tools",
  promptsListChanged: "prompts",
  resourcesListChanged: "resources",
});

/** What stands behind one request to listen. */
export interface Listening {
  /** Its client has gone, or wants no more. Ending twice is fine. */
  end(): void;
  /** The result that says that nothing more will come; for an end that is ours. */
  readonly farewell: string;
}

/**
 * Begins to listen: `send` gets every message, the acknowledgement first. Throws PARAMS_INVALID, and LIMIT_REACHED for
 * too many watches.
 */
export function openListening(north: North, { id, params }: Request, caller: Caller, send: (text: string) => void): Listening {
  const wanted = objectOf(params ?? emptyObject, "notifications");
  if (wanted === null) throw fault("PARAMS_INVALID", { detail: '"notifications" must be an object' });
  const granted = honoured(wanted);
  const kinds = new Set(granted.values());
  const { principal, selection } = caller;
  const tag = tagOf(id);
  const changed = (kind: ListKind): void => {
    if (kinds.has(kind)) send(notificationText(changeMethods[kind], `{${tag}}`));
  };
  const watching = north.serve.watch({ principal, selection, changed, updated: () => undefined });
  const names = [...granted.keys()].map((name) => `"${name}":true`).join(",");
  send(notificationText("notifications/subscriptions/acknowledged", `{"notifications":{${names}},${tag}}`));
  const meta = north.stamp.metaOf(selection.server, null, `"${metaKeys.subscriptionId}":${id},`);
  return { end: onceOf(() => watching.end()), farewell: resultText(id, `{"resultType":"complete","_meta":${meta}}`) };
}

/** The member of `_meta` inside `params` that says to which request to listen a message belongs. */
export const tagOf = (id: Raw): string => `"_meta":{"${metaKeys.subscriptionId}":${id}}`;

/** The wishes that are fulfilled, by name. */
function honoured(wanted: RawObject): ReadonlyMap<string, ListKind> {
  const granted = Object.entries(wishes).filter(([name]) => memberOf(wanted, name) === "true");
  return new Map(granted);
}

/** Opens the stream of a POST, or refuses it. */
export function listen(north: North, message: Request, request: HttpIn): HttpOut {
  let listening: Listening | null = null;
  const say = (text: string): void => stream.send(sseEvent({ data: text }));
  const stream = north.streams.open({
    gone: () => listening?.end(),
    goodbye: () => {
      if (listening === null) return;
      listening.end();
      say(listening.farewell);
    },
  });
  try {
    listening = openListening(north, message, request, say);
    request.onGone(() => stream.cut());
    return streamOut(stream);
  } catch (thrown) {
    stream.end();
    return refusalOut(message.id, faultOf(thrown));
  }
}

function onceOf(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
