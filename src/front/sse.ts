/** The HTTP+SSE transport: a stream to open, and a second path to post to. */
import type { Eras } from "../era/index.ts";
import type { Selection } from "../protocol/index.ts";
import type { Path } from "./mcp.ts";
import { queryOf } from "./selection.ts";

/** Where clients of the older transport post their messages. */
export const messagesPath = "/messages";

// One transport, one thing to have a token for.
const sseResource = "/sse";

/** `/sse`, `/sse/<server>`. */
export const ssePath = (eras: Eras): Path => ({
  resource: sseResource,
  verbs: ["GET"],
  serve: (inbound) => eras.sse(inbound, messagesOf(inbound.selection)),
});

// The address says which servers are meant, on the way in as on the stream: no session has to remember it for the front.
const messagesOf = (selection: Selection): string => (selection.server === null ? messagesPath : `${messagesPath}/${encodeURIComponent(selection.server)}`) + queryOf(selection);

/** `/messages?sessionId=…`, `/messages/<server>?sessionId=…`. */
export const messagePath = (eras: Eras): Path => ({
  resource: sseResource,
  verbs: ["POST"],
  serve: (inbound, url) => eras.sseMessage(inbound, new URL(url).searchParams.get("sessionId")),
});
