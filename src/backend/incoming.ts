/** From the text of one line, event or body to messages: a batch of an older peer comes out one by one. */
import type { Limits } from "../base/index.ts";
import { answeredIn, elementsOf, type Message, type Parsed, parseMessage, type Raw } from "../protocol/index.ts";

/** Text that is no message. `id` is the id of ours that it seems to answer, if it shows one. */
export interface Misfit {
  readonly detail: string;
  readonly id: Raw | null;
  /** What it is, where that can be said more closely than that it is no message. */
  readonly what?: string;
}

/** Calls `onMessage` for each message in `text`, `onMisfit` for what is none. */
export function eachMessage(text: string, limits: Limits, onMessage: (message: Message) => void, onMisfit: (misfit: Misfit) => void): void {
  if (isArray(text)) {
    eachOfBatch(text, limits, onMessage, onMisfit);
    return;
  }
  const parsed = parseMessage(text, limits);
  if (parsed.ok) onMessage(parsed.message);
  else onMisfit(misfitOf(parsed, text));
}

/** A broken request of the peer's own answers nothing, whatever its id. */
function misfitOf({ detail, id }: Parsed & { ok: false }, text: string): Misfit {
  return { detail, id: answeredIn(text, text) ?? (text.includes('"method"') ? null : id) };
}

const bracket = 0x5b;

// Nearly every text begins with its brace or bracket; a body may have white space before.
const isArray = (text: string): boolean => text.charCodeAt(0) === bracket || (text.charCodeAt(0) <= 0x20 && text.trimStart().charCodeAt(0) === bracket);

function eachOfBatch(text: string, limits: Limits, onMessage: (message: Message) => void, onMisfit: (misfit: Misfit) => void): void {
  const elements = elementsOf(text.trim(), limits);
  if (elements === null || elements.length > limits.batchMax) {
    onMisfit({ detail: elements === null ? "not a valid JSON array" : "the batch is too long", id: null });
    return;
  }
  for (const element of elements) {
    const parsed = parseMessage(element, limits);
    if (parsed.ok) onMessage(parsed.message);
    else onMisfit(misfitOf(parsed, element));
  }
}
