/**
 * The last lines of a child's stderr, kept for people: bounded, without terminal controls, and with the server's own
 * secrets masked, since programs like to print their environment when they fail.
 */
import { escapeControls, type KnownSecrets } from "../base/index.ts";

const lineFeed = 10;

export class StderrRing {
  readonly #bytesMax: number;
  readonly #secrets: KnownSecrets;
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #partial = "";
  #lines: string[] = [];
  #size = 0;

  /** Keeps at most `bytesMax` characters; a single line at most a quarter of it. `onLine` gets each line as it is kept. */
  constructor(bytesMax: number, secrets: KnownSecrets, onLine: (line: string) => void) {
    this.#bytesMax = bytesMax;
    this.#secrets = secrets;
    this.#onLine = onLine;
  }

  feed(chunk: Uint8Array): void {
    const lines = (this.#partial + this.#decoder.decode(this.#endOf(chunk), { stream: true })).split(/\r\n|\n|\r/);
    this.#partial = this.#clipped(lines.pop() ?? "");
    // A flood of which only the end is kept need not be looked at as a whole.
    for (const line of lines.slice(-this.#linesMax)) this.#keep(line);
  }

  // Nor need all of it be decoded. What is left out ends with its line: the rest of a line could be the rest of a secret.
  #endOf(chunk: Uint8Array): Uint8Array {
    const from = chunk.length - this.#bytesMax * 2;
    const end = from > 0 ? chunk.indexOf(lineFeed, from) : -1;
    if (end < 0 || end + 1 === chunk.length) return chunk;
    this.#partial = "";
    this.#decoder.decode();
    return chunk.subarray(end + 1);
  }

  /** Nothing more comes: keeps a last line without line end. */
  end(): void {
    this.#keep(this.#partial);
    this.#partial = "";
  }

  /** Oldest first. */
  lines(): readonly string[] {
    return [...this.#lines];
  }

  last(): string | null {
    return this.#lines.at(-1) ?? null;
  }

  get #lineMax(): number {
    return this.#bytesMax >> 2;
  }

  get #linesMax(): number {
    return this.#bytesMax >> 4;
  }

  // Twice the kept length stays, so that a secret which begins within it is whole when it is looked for.
  #clipped(line: string): string {
    return line.length > this.#lineMax * 2 ? line.slice(0, this.#lineMax * 2) : line;
  }

  #keep(line: string): void {
    const text = escapeControls(Bun.stripANSI(this.#secrets.scrub(this.#clipped(line))).replaceAll("\t", " ")).slice(0, this.#lineMax).trimEnd();
    if (text === "") return;
    this.#lines.push(text);
    this.#size += text.length;
    while (this.#size > this.#bytesMax) this.#size -= this.#lines.shift()?.length ?? 0;
    this.#onLine(text);
  }
}
