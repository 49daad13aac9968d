/**
 * The front for one client on a pair of pipes: bytes in, lines out, nothing else. Nothing but messages is written; a
 * client that does not read is not read from either, and is given up when too much waits for it.
 */
import { type Clock, type Fault, fault, type Limits, type Log } from "../base/index.ts";
import type { Pipe } from "../era/index.ts";
import { createLines, errorText, rpcErrorOf } from "../protocol/index.ts";

/** Where bytes go; Bun's sinks are such. */
export interface ByteSink {
  write(text: string): unknown;
  /** A promise while the reader is slow; throws or rejects when nobody reads any more. */
  flush(): unknown;
}

export interface StdioFrontOptions {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: ByteSink;
  /** Opens the client's pipe in the era room. */
  readonly open: (send: (line: string) => void) => Pipe;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** A client that is being served. */
export interface StdioFront {
  /** Resolves when the client has gone, with how. */
  readonly gone: Promise<string>;
  /** Reads no more; resolves when what was said has been written, or nobody reads it. Closing twice is fine. */
  close(): Promise<void>;
}

/** Serves one client until its input has ended and what it asked is answered, or nobody reads its output. */
export const createStdioFront = (options: StdioFrontOptions): StdioFront => new PipeFront(options);

class PipeFront implements StdioFront {
  readonly gone: Promise<string>;
  readonly #options: StdioFrontOptions;
  readonly #writer: LineWriter;
  readonly #pipe: Pipe;
  readonly #reader: ByteReader;
  readonly #leave: (how: string) => void;

  constructor(options: StdioFrontOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.gone = promise;
    this.#leave = resolve;
    this.#writer = new LineWriter(options.output, options.limits, (how) => this.#lost(how));
    this.#pipe = options.open((line) => this.#writer.write(line));
    this.#reader = options.input.getReader();
    void this.#read();
  }

  async close(): Promise<void> {
    this.#lost("it was closed");
    await this.#reader.cancel().catch(() => undefined); // the pipe is broken already: it is closed as it should be
    await this.#writer.flushed();
  }

  async #read(): Promise<void> {
    const { bodyBytesMax } = this.#options.limits;
    const lines = createLines({
      bytesMax: bodyBytesMax,
      onText: (line) => this.#pipe.receive(line),
      onProblem: (what) => this.#refuse(what === "too-long" ? fault("MESSAGE_TOO_LARGE", { detail: `at most ${bodyBytesMax} bytes` }) : fault("MESSAGE_INVALID_JSON", { detail: "not UTF-8" })),
    });
    try {
      for (let { value } = await this.#reader.read(); value !== undefined; { value } = await this.#reader.read()) {
        lines.feed(value);
        await this.#writer.room();
      }
      lines.end();
      await this.#answered();
      this.#lost("its input has ended");
    } catch (thrown) {
      this.#lost(`its input broke (${String(thrown)})`);
    }
  }

  // Whoever writes all its questions and closes (`printf … | 1mcp serve --stdio`) reads on; whoever wants to end us waits
  // a little longer than this.
  async #answered(): Promise<void> {
    const { clock, limits } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.timer(limits.lastAnswersMsMax, resolve);
    this.#pipe.finish(resolve);
    void this.gone.then(() => resolve());
    await promise;
    timer.cancel();
  }

  // What it was cannot be told, so the answer has no id.
  #refuse(refused: Fault): void {
    this.#options.log[refused.row.level]("a message was refused", { code: refused.code });
    this.#writer.write(errorText(null, rpcErrorOf(refused)));
  }

  #lost(how: string): void {
    this.#pipe.end();
    this.#leave(how);
  }
}

/**
 * Lines on their way out. All that is said within one turn leaves together, at most one write is unfinished, and what
 * waits behind it is bounded.
 */
class LineWriter {
  readonly #sink: ByteSink;
  readonly #limits: Limits;
  readonly #broken: (how: string) => void;
  #waiting = "";
  /** Characters that were written and not taken. */
  #unread = 0;
  #scheduled = false;
  #closed = false;
  #eased: (() => void)[] = [];

  constructor(sink: ByteSink, limits: Limits, broken: (how: string) => void) {
    this.#sink = sink;
    this.#limits = limits;
    this.#broken = broken;
  }

  write(line: string): void {
    if (this.#closed) return;
    const size = this.#unread + this.#waiting.length;
    // The first one always goes, whatever its size: messages have a bound of their own.
    if (size > 0 && size + line.length > this.#limits.stdoutBytesMax) return this.#break("it does not read its output");
    this.#waiting += `${line}\n`;
    if (this.#scheduled || this.#unread > 0) return;
    this.#scheduled = true;
    queueMicrotask(() => void this.#flush());
  }

  /** Resolves when there is room for answers to what is read next. */
  room(): Promise<void> | undefined {
    return this.#unread + this.#waiting.length < this.#limits.stdoutPauseBytesMax ? undefined : this.#until();
  }

  /** Resolves when everything has been taken, or nobody takes it. */
  async flushed(): Promise<void> {
    while (!this.#closed && (this.#unread > 0 || this.#waiting !== "")) await this.#until();
  }

  #until(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#eased.push(resolve));
  }

  async #flush(): Promise<void> {
    this.#scheduled = false;
    const batch = this.#waiting;
    this.#waiting = "";
    this.#unread = batch.length;
    try {
      this.#sink.write(batch);
      const flushed = this.#sink.flush();
      if (flushed instanceof Promise) await flushed;
    } catch {
      return this.#break("nobody reads its output");
    }
    this.#unread = 0;
    this.#ease();
    if (this.#waiting !== "" && !this.#closed) void this.#flush();
  }

  #break(how: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = "";
    this.#ease();
    this.#broken(how);
  }

  #ease(): void {
    const eased = this.#eased;
    this.#eased = [];
    for (const resolve of eased) resolve();
  }
}
