/**
 * Newline framing of a byte stream. Chunks may split anywhere, also within a character; a line that outgrows its bound
 * is dropped and reported, and the next one is read as ever. Whole lines of one chunk are decoded at once, since
 * decoding costs by the call more than by the byte.
 */
import { decodeText } from "./text.ts";
import { edgeChars } from "./wreck.ts";

export type LineProblem = "too-long" | "not-utf8";

/** The beginning and the end of a line that was dropped, byte for byte as characters. */
export interface Edges {
  readonly head: string;
  readonly tail: string;
  /** Its length as far as it has come. */
  readonly bytes: number;
}

export interface LinesOptions {
  /** Longest line in bytes, its line break not counted. */
  readonly bytesMax: number;
  /** Blank lines are reported too; without this they are skipped. */
  readonly blank?: boolean;
  /** One line without its line break (LF or CRLF). */
  onText(line: string): void;
  /** A line was dropped: said when it is known, which for a line that is too long is before its end (`tail` is empty then). */
  onProblem(what: LineProblem, edges: Edges): void;
  /** Bytes of a line that is being dropped, as they come. */
  onDropped?(bytes: number): void;
  /** A line that was too long has ended. */
  onDroppedEnd?(edges: Edges): void;
}

/** A reader of bytes that arrive in chunks. */
export interface Reader {
  /** Takes the next chunk; nothing of it is kept by reference. */
  feed(chunk: Uint8Array): void;
  /** The stream has ended; feeding afterwards does nothing. */
  end(): void;
}

const lineFeed = 10;
const carriageReturn = 13;
const byteOrderMark = 0xfeff;
/** A buffer that one long line made larger than this is given back after it. */
const keptBytesMax = 2 * 1024 * 1024;
const growth = 2;

/**
 * The beginning of a line whose end has not come yet. It grows in large steps, so that many small chunks stay linear in
 * time, and into memory that is not cleared first: what is never written to is never paid for.
 */
class Tail {
  #bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  append(chunk: Uint8Array): void {
    const length = this.length + chunk.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * growth));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.length);
    this.length = length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.#bytes.length > keptBytesMax) this.#bytes = new Uint8Array(0);
  }
}

const latin = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

const edgesOf = (line: Uint8Array): Edges => ({ head: latin(line.subarray(0, edgeChars)), tail: latin(line.subarray(-edgeChars)), bytes: line.length });

/** A line that is being dropped: its first bytes, and the last that have come. */
class Dropped {
  readonly #head: string;
  readonly #tail = new Uint8Array(edgeChars);
  #bytes = 0;

  constructor(begun: Uint8Array) {
    this.#head = edgesOf(begun).head;
    this.more(begun);
  }

  more(bytes: Uint8Array): void {
    const last = bytes.length > edgeChars ? bytes.subarray(-edgeChars) : bytes;
    this.#tail.copyWithin(0, last.length);
    this.#tail.set(last, edgeChars - last.length);
    this.#bytes += bytes.length;
  }

  get edges(): Edges {
    return { head: this.#head, tail: latin(this.#tail.subarray(Math.max(0, edgeChars - this.#bytes))), bytes: this.#bytes };
  }
}

/** Splits bytes into lines of text; see LinesOptions. A last line without line break counts as a line. */
export function createLines(options: LinesOptions): Reader {
  const { bytesMax } = options;
  const tail = new Tail();
  let dropped: Dropped | null = null;
  let ended = false;
  let atStart = true;

  const emit = (line: string): void => {
    const text = line.charCodeAt(line.length - 1) === carriageReturn ? line.slice(0, -1) : line;
    if (text !== "" || options.blank === true) options.onText(text);
  };

  /** Decodes; a byte order mark at the beginning of the stream is dropped, later ones are text. */
  const decoded = (bytes: Uint8Array): string | null => {
    const text = decodeText(bytes);
    if (text === null) return null;
    const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const dropped = marked && !atStart ? String.fromCharCode(byteOrderMark) : "";
    atStart = false;
    return dropped + text;
  };

  const emitLine = (bytes: Uint8Array): void => {
    const breakBytes = bytes[bytes.length - 1] === carriageReturn ? 1 : 0;
    const text = bytes.length - breakBytes > bytesMax ? null : decoded(bytes);
    if (text !== null) emit(text);
    else options.onProblem(bytes.length - breakBytes > bytesMax ? "too-long" : "not-utf8", edgesOf(bytes));
  };

  /** Bytes of whole lines, the last line feed included. */
  const emitBlock = (bytes: Uint8Array): void => {
    const text = bytes.length > bytesMax ? null : decoded(bytes);
    if (text === null) return eachLine(bytes, emitLine);
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      emit(text.slice(from, at));
      from = at + 1;
    }
  };

  const hold = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    if (dropped !== null) return drop(dropped, bytes);
    tail.append(bytes);
    // One byte more than the bound, since the last one may be the carriage return of a line break.
    if (tail.length <= bytesMax + 1) return;
    dropped = new Dropped(tail.bytes);
    tail.clear();
    options.onProblem("too-long", { ...dropped.edges, tail: "" });
  };

  const drop = (line: Dropped, bytes: Uint8Array): void => {
    line.more(bytes);
    options.onDropped?.(bytes.length);
  };

  /** Ends the line that is held with the chunk's first line; gives the offset behind it. */
  const complete = (chunk: Uint8Array): number => {
    const at = chunk.indexOf(lineFeed);
    hold(chunk.subarray(0, at));
    if (dropped === null) emitLine(tail.bytes);
    else options.onDroppedEnd?.(dropped.edges);
    dropped = null;
    tail.clear();
    return at + 1;
  };

  return {
    feed(chunk) {
      if (ended) return;
      const last = chunk.lastIndexOf(lineFeed);
      if (last < 0) return hold(chunk);
      const from = dropped !== null || tail.length > 0 ? complete(chunk) : 0;
      if (from <= last) emitBlock(chunk.subarray(from, last + 1));
      hold(chunk.subarray(last + 1));
    },
    end() {
      if (ended) return;
      ended = true;
      if (tail.length > 0) emitLine(tail.bytes);
      tail.clear();
    },
  };
}

function eachLine(bytes: Uint8Array, take: (line: Uint8Array) => void): void {
  let from = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
    take(bytes.subarray(from, at));
    from = at + 1;
  }
}
