/**
 * `subscriptions/listen`: a stream that stands as long as its client wants, each message tagged with the id of the
 * request that opened it (2026-07-28, basic/patterns/subscriptions). Lists are ours to watch; single resources are not
 * carried yet, so they are left out of the acknowledgement.
 */
import { fault, faultOf } from "../base/index.ts";
import { notificationText, objectOf, memberOf, type Raw, type RawObject, type Request, resultText, sseEvent } from "../protocol/index.ts";
import { refusalOut } from "./exchange.ts";
import type { North } from "./north.ts";
import { streamOut } from "./streams.ts";
import type { HttpIn, HttpOut } from "./types.ts";
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

/** Opens the stream, or refuses: parameters that are none, too many watches. */
export function listen(north: North, message: Request, params: RawObject, request: HttpIn): HttpOut {
  const wanted = objectOf(params, "notifications");
  if (wanted === null) return refusalOut(message.id, fault("PARAMS_INVALID", { detail: '"notifications" must be an object' }));
  try {
    return open(north, message.id, honoured(wanted), request);
  } catch (thrown) {
    return refusalOut(message.id, faultOf(thrown));
  }
}

/** The wishes that are fulfilled, by name. */
function honoured(wanted: RawObject): ReadonlyMap<string, ListKind> {
  const granted = Object.entries(wishes).filter(([name]) => memberOf(wanted, name) === "true");
  return new Map(granted);
}

function open({ serve, streams, stamp }: North, id: Raw, granted: ReadonlyMap<string, ListKind>, request: HttpIn): HttpOut {
  const { principal, selection } = request;
  const tag = `"_meta":{"${metaKeys.subscriptionId}":${id}}`;
  const kinds = new Set(granted.values());
  const watching = serve.watch({
    principal,
    selection,
    changed: (kind) => {
      if (kinds.has(kind)) stream.send(sseEvent({ data: notificationText(changeMethods[kind], `{${tag}}`) }));
    },
    updated: () => undefined,
  });
  const close = onceOf(() => watching.end());
  const stream = streams.open({
    gone: close,
    goodbye: () => {
      close();
      const meta = stamp.metaOf(selection.server, null, `"${metaKeys.subscriptionId}":${id},`);
      stream.send(sseEvent({ data: resultText(id, `{"resultType":"complete","_meta":${meta}}`) }));
    },
  });
  request.onGone(() => stream.cut());
  const names = [...granted.keys()].map((name) => `"${name}":true`).join(",");
  stream.send(sseEvent({ data: notificationText("notifications/subscriptions/acknowledged", `{"notifications":{${names}},${tag}}`) }));
  return streamOut(stream);
}

function onceOf(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
