/**
 * Server-sent events, both ways (WHATWG HTML, "Server-sent events"). Reading follows its stream rules: LF, CRLF or CR,
 * byte order mark, comments, fields with or without a space behind the colon. Differences, on purpose: an event is
 * bounded, bytes that are not UTF-8 refuse their event instead of being patched, and a block that has only an id or a
 * retry time is reported too, with empty data (the standard keeps both without telling).
 */
import { createLines, type LineProblem, type Reader } from "./lines.ts";

/** One event as it was received. */
export interface SseEvent {
  /** Its type; "message" where none was given. */
  readonly event: string;
  /** Data lines joined by LF; empty where the block had none, which is no message. */
  readonly data: string;
  /** The id of this very block, or null; "" resets the last one. */
  readonly id: string | null;
  readonly retryMs: number | null;
}

export interface SseReaderOptions {
  /** Longest event: its lines' characters and a little for each line, and each line in bytes. */
  readonly bytesMax: number;
  onEvent(event: SseEvent): void;
  /** An event was dropped. Said once for each. */
  onProblem(what: LineProblem): void;
}

const lineFeed = 10;
const space = 32;
const carriageReturn = 13;
/** What a data line costs besides its characters, so that a million empty ones count for something. */
const lineCost = 16;
const digits = /^\d{1,15}$/;
// oxlint-disable-next-line no-control-regex -- the characters that would break the framing
const breaks = /[\r\n\u0000]/;

/** Reads events from bytes; see SseReaderOptions. An event that is not complete at the end is dropped, as the standard says. */
export function createSseReader(options: SseReaderOptions): Reader {
  let block = emptyBlock();
  let dropping = false;
  let ended = false;
  let splitBreak = false;

  const drop = (what: LineProblem): void => {
    if (!dropping) options.onProblem(what);
    dropping = true;
    block = emptyBlock();
  };

  const dispatch = (): void => {
    const { type, data, id, retryMs } = block;
    const has = data.length > 0 || id !== null || retryMs !== null;
    block = emptyBlock();
    dropping = false;
    if (has) options.onEvent({ event: type === "" ? "message" : type, data: data.join("\n"), id, retryMs });
  };

  const lines = createLines({
    bytesMax: options.bytesMax,
    blank: true,
    onText(line) {
      if (line === "") return dispatch();
      if (dropping) return;
      takeField(block, line);
      if (block.size > options.bytesMax) drop("too-long");
    },
    onProblem: drop,
  });

  return {
    feed(chunk) {
      if (ended || chunk.length === 0) return;
      const bytes = splitBreak && chunk[0] === lineFeed ? chunk.subarray(1) : chunk;
      splitBreak = chunk[chunk.length - 1] === carriageReturn;
      lines.feed(withoutLoneReturns(bytes));
    },
    end() {
      ended = true;
      block = emptyBlock();
    },
  };
}

/** Turns each CR that no LF follows into LF; a copy only where there is one. The chunk's last byte counts: what follows is dropped by the caller. */
function withoutLoneReturns(chunk: Uint8Array): Uint8Array {
  let bytes = chunk;
  for (let at = chunk.indexOf(carriageReturn); at >= 0; at = chunk.indexOf(carriageReturn, at + 1)) {
    if (chunk[at + 1] === lineFeed) continue;
    if (bytes === chunk) bytes = chunk.slice();
    bytes[at] = lineFeed;
  }
  return bytes;
}

interface Block {
  type: string;
  data: string[];
  size: number;
  id: string | null;
  retryMs: number | null;
}

const emptyBlock = (): Block => ({ type: "", data: [], size: 0, id: null, retryMs: null });

function takeField(block: Block, line: string): void {
  const colon = line.indexOf(":");
  if (colon < 0) return setField(block, line, "");
  return setField(block, line.slice(0, colon), line.slice(line.charCodeAt(colon + 1) === space ? colon + 2 : colon + 1));
}

function setField(block: Block, name: string, value: string): void {
  if (name === "data") {
    // The first line is free of it, so that an event of one line may be as long as its line.
    block.size += block.data.length === 0 ? value.length : value.length + lineCost;
    block.data.push(value);
  } else if (name === "event") block.type = value;
  else if (name === "id" && !value.includes("\0")) block.id = value;
  else if (name === "retry" && digits.test(value)) block.retryMs = Number(value);
}

/**
 * The text of one event. Data may have several lines; a line break in a type or an id is a bug of the caller and
 * throws, since it could forge an event.
 */
export function sseEvent(e: { readonly data: string; readonly event?: string; readonly id?: string; readonly retryMs?: number }): string {
  const type = e.event === undefined ? "" : `event: ${oneLine(e.event)}\n`;
  const id = e.id === undefined ? "" : `id: ${oneLine(e.id)}\n`;
  const retry = e.retryMs === undefined ? "" : `retry: ${e.retryMs}\n`;
  return `${type}${id}${retry}data: ${dataLines(e.data)}\n\n`;
}

const dataLines = (data: string): string => (breaks.test(data) ? data.split(/\r\n|\r|\n/).join("\ndata: ") : data);

/** A comment, which readers skip: keeps a silent stream alive. */
export const sseComment = (text: string): string => `: ${oneLine(text)}\n\n`;

function oneLine(text: string): string {
  if (breaks.test(text)) throw new TypeError("a line break within a field of a server-sent event");
  return text;
}
