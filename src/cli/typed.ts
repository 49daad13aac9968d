/** What a person types: line by line, and a password without it being seen. */
import { fault } from "../base/index.ts";
import type { Typist } from "./terminal.ts";

/** A line that nobody types. */
const lineCharsMax = 16_384;

/** The lines of an input, one at a time. */
export class Lines {
  readonly #reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">;
  readonly #decoder = new TextDecoder();
  #text = "";
  #ended = false;

  constructor(input: ReadableStream<Uint8Array>) {
    this.#reader = input.getReader();
  }

  /** The next one without its break; what there is at the end counts as one. Null: there is no more. */
  async next(): Promise<string | null> {
    while (!this.#ended && !/[\r\n\u0003\u0004]/.test(this.#text) && this.#text.length <= lineCharsMax) {
      const { value, done } = await this.#reader.read();
      this.#ended = done;
      this.#text += this.#decoder.decode(value, { stream: !done });
    }
    const [, line = "", rest = ""] = /^([^\r\n]*)(?:\r\n|\r|\n)?([^]*)$/.exec(this.#text) ?? [];
    const isLast = this.#ended && this.#text === "";
    this.#text = rest;
    return isLast ? null : line;
  }
}

// The keys that mean something where the terminal does not see to them any more.
const [interrupt, end] = ["\u0003", "\u0004"] as const;
const erasing = /[^][\u007f\b]/u;
const strayErasing = /^[\u007f\b]+/;

/** A password that somebody types, and nobody sees. Throws CALL_CANCELLED where he gives up. */
export async function hiddenLine(lines: Lines, typist: Typist | null): Promise<string> {
  typist?.echo(false);
  try {
    const line = await lines.next();
    if (line === null || line.includes(interrupt) || line.includes(end)) throw fault("CALL_CANCELLED");
    return erased(line);
  } finally {
    typist?.echo(true);
  }
}

function erased(line: string): string {
  const left = line.replace(erasing, "");
  return left === line ? line.replace(strayErasing, "") : erased(left);
}
