/** What a person types: line by line, a password without it being seen, and a yes; and whether there is one to be asked. */
import { fault } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";
import type { Typist } from "./terminal.ts";

/** A line that nobody types. */
const lineCharsMax = 16_384;

/** The lines of an input, one at a time. */
export class Lines {
  readonly #reader: { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> };
  readonly #decoder = new TextDecoder();
  #text = "";
  #ended = false;
  // The break that was taken last was the first half of one, maybe.
  #halved = false;

  constructor(input: ReadableStream<Uint8Array>) {
    this.#reader = input.getReader();
  }

  /** The next one without its break; what there is at the end counts as one. Null: there is no more. */
  async next(): Promise<string | null> {
    while (!this.#ended && !/[\r\n\u0003\u0004]/.test(this.#text) && this.#text.length <= lineCharsMax) await this.#more();
    if (this.#ended && this.#text === "") return null;
    const [whole, line = ""] = /^([^\r\n]*)(?:\r\n|\r|\n)?/.exec(this.#text) ?? [""];
    this.#text = this.#text.slice(whole.length);
    this.#halved = whole.endsWith("\r");
    return line;
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#reader.read();
    this.#ended = done;
    const text = this.#text + this.#decoder.decode(value, { stream: !done });
    this.#text = this.#halved && text.startsWith("\n") ? text.slice(1) : text;
    this.#halved &&= text === "";
  }
}

type Desk = Pick<Occasion, "stdout" | "pipes">;

/** Whether a person sees what is written, and can type an answer. */
export const hasPerson = async ({ stdout, pipes }: Desk): Promise<boolean> => (await stdout.isTerminal()) && ((await pipes().typist?.()) ?? null) !== null;

/** Asks the person for a yes; anything else, and no answer, is a no. */
export async function isAgreed({ stdout, pipes }: Desk, question: string): Promise<boolean> {
  stdout.write(question);
  return isYes(await new Lines(pipes().input).next());
}

/** Whether what was typed is a yes. */
export const isYes = (line: string | null): boolean => /^y(es)?$/i.test(line?.trim() ?? "");

// The keys that mean something where the terminal does not see to them any more.
const interrupt = "\u0003";
const end = "\u0004";
const erasing = /[^][\u007f\b]/u;
const strayErasing = /^[\u007f\b]+/;

/** A password that somebody types, and nobody sees; `ask` asks for it. Throws CALL_CANCELLED where he gives up. */
export async function hiddenLine(lines: Lines, typist: Typist | null, ask: () => void): Promise<string> {
  // Before it is asked for: what is typed at once must not be seen either.
  typist?.echo(false);
  try {
    ask();
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
