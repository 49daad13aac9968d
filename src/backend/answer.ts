/** The body of an HTTP answer, read as a whole: bounded, decoded, taken apart into messages. */
import { type EgressReply, fault, type Limits } from "../base/index.ts";
import { decodeText, type Message } from "../protocol/index.ts";
import { eachMessage } from "./incoming.ts";

export interface Body {
  readonly messages: readonly Message[];
  /** The text, "" for an empty body. */
  readonly text: string;
}

const typeOf = (reply: EgressReply): string => {
  const value = reply.header("content-type");
  // As nearly every server writes it.
  if (value === null || value === "application/json") return value ?? "";
  const end = value.indexOf(";");
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
};

export const isSse = (reply: EgressReply): boolean => typeOf(reply) === "text/event-stream";
export const isJson = (reply: EgressReply): boolean => typeOf(reply) === "application/json";

/**
 * Reads a body to its end. Messages are looked for only where JSON is announced; other bodies (an error page, say) give
 * their text. Throws BACKEND_GARBLED when it is too large or a successful answer is not UTF-8, BACKEND_GONE when it broke.
 */
export async function readJson(reply: EgressReply, limits: Limits, backend: string): Promise<Body> {
  const text = decodeText(await reply.all(limits.messageBytesMax));
  if (text === null) {
    if (reply.status >= 400) return { messages: [], text: "" };
    throw fault("BACKEND_GARBLED", { backend, detail: "its answer is not UTF-8" });
  }
  const messages: Message[] = [];
  // What is no message is told by their absence.
  if (isJson(reply)) eachMessage(text, limits, (message) => messages.push(message), () => undefined);
  return { messages, text };
}
