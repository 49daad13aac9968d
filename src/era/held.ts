/**
 * What a running call has to say while its client is away to find answers: kept, as far as there is room, until the
 * client comes back with another request, on whose stream it then goes out. The newest lines are the ones that are kept.
 */
import type { Limits } from "../base/index.ts";
import type { LogLevel } from "../protocol/index.ts";

/** One message, and the level it must be wanted from; null: it is no log line. */
export interface HeldLine {
  readonly level: LogLevel | null;
  readonly text: string;
}

/** What a message takes beside its text, about. */
const overheadBytes = 64;

const bytesOf = ({ text }: HeldLine): number => Buffer.byteLength(text) + overheadBytes;

export class HeldLines {
  readonly #limits: Pick<Limits, "parkedLinesMax" | "parkedLineBytesMax">;
  #lines: HeldLine[] = [];
  #bytes = 0;

  constructor(limits: Pick<Limits, "parkedLinesMax" | "parkedLineBytesMax">) {
    this.#limits = limits;
  }

  /** Keeps a message; the oldest give way, and one that is larger than all the room is dropped alone. */
  add(line: HeldLine): void {
    const { parkedLinesMax, parkedLineBytesMax } = this.#limits;
    const bytes = bytesOf(line);
    if (bytes > parkedLineBytesMax) return;
    this.#lines.push(line);
    this.#bytes += bytes;
    let excess = 0;
    for (; this.#lines.length - excess > parkedLinesMax || this.#bytes > parkedLineBytesMax; excess += 1) this.#bytes -= bytesOf(this.#lines[excess] as HeldLine);
    if (excess > 0) this.#lines = this.#lines.slice(excess);
  }

  /** Gives all that is kept, in the order it came, and forgets it. */
  take(): readonly HeldLine[] {
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    return lines;
  }
}
