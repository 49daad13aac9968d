/** The HTTP+SSE transport: a stream to open, and a second path to post to. */
import type { Eras } from "../era/index.ts";
import type { Path } from "./mcp.ts";

/** Where clients of the older transport post their messages. */
export const messagesPath = "/messages";

/** `/sse`, `/sse/<server>`. */
export const ssePath = (eras: Eras): Path => ({
  verbs: ["GET"],
  serve: (inbound) => eras.sse(inbound, messagesPath),
});

/** `/messages?sessionId=…`. */
export const messagePath = (eras: Eras): Path => ({
  verbs: ["POST"],
  serve: (inbound, url) => eras.sseMessage(inbound, new URL(url).searchParams.get("sessionId")),
});
