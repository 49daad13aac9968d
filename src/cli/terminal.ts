/**
 * The two standard streams and the signals, as commands see them. Written through the runtime's own sinks: the usual
 * stream objects cost more to load than a whole short command, and a reader that stalls or goes away must hold up or
 * end nothing, least of all a proxy that only wanted to log.
 */

/** One stream to write to. Writing never throws and never waits. */
export interface Output {
  write(text: string): void;
  /** Resolves when everything is written, or nobody reads any more. Gives why something could not be (a full disk); null: all was, or whoever read it had enough. */
  flush(): Promise<string | null>;
  /** Whether anybody reads any more, as far as the last flush showed. */
  isHeard(): boolean;
  /** Whether a person sees it; asked late, because finding out is slow. */
  isTerminal(): Promise<boolean>;
}

/** What befalls this process, signals above all; the process itself is one. */
export type Signals = Pick<NodeJS.EventEmitter, "on" | "off">;

const nothing = (): void => undefined;

/** The signals of this process, to which a command listens until it has come to its exit code. */
export interface OwnSignals extends Signals {
  /** What comes from now on ends the process with this code. */
  ending(code: number): void;
}

/**
 * What befalls this process. Nobody listens any more when a command has ended, and the system would then end the process
 * in its own way at a signal that comes a moment late: what it was for would be told by another exit code than it has.
 */
export function ownSignals(exit: (code: number) => void): OwnSignals {
  const left = new Set<string>();
  return {
    on: (name, listener) => process.on(name as NodeJS.Signals, listener),
    off(name, listener) {
      const isNew = String(name).startsWith("SIG") && !left.has(String(name));
      if (isNew) process.on(name as NodeJS.Signals, nothing);
      if (isNew) left.add(String(name));
      return process.off(name as NodeJS.Signals, listener);
    },
    ending(code) {
      for (const name of left) process.on(name as NodeJS.Signals, () => exit(code));
    },
  };
}

/** What text is handed to. */
export interface Sink {
  write(text: string): unknown;
  /** A number when all is written, a promise while the reader is slow. */
  flush(): unknown;
}

// What a reader that has stalled may make us hold; then lines are left out, and counted.
const waitingCharsMax = 1024 * 1024;

/** An output over a sink. */
export function createOutput(sink: Sink, isTerminal: () => Promise<boolean>): Output {
  let waiting = 0;
  let dropped = 0;
  let lost: string | null = null;
  let isHeard = true;
  let last: Promise<void> = Promise.resolve();

  const put = (text: string): void => {
    waiting += text.length;
    last = handOver(sink, text).then((failure) => {
      waiting -= text.length;
      // A broken pipe: the reader has what it wanted (`1mcp config schema | head`), or the log is no longer wanted.
      if (failure?.code === "EPIPE") isHeard = false;
      else lost ??= failure?.message ?? null;
      if (waiting === 0 && dropped > 0) sayDropped();
    });
  };
  const sayDropped = (): void => {
    const count = dropped;
    dropped = 0;
    put(`(${count} lines were left out: nobody read them)\n`);
  };
  return {
    write(text) {
      // The first one always goes, whatever its size.
      if (waiting > 0 && waiting + text.length > waitingCharsMax) dropped += 1;
      else put(text);
    },
    async flush() {
      while (waiting > 0) await last;
      return lost;
    },
    isHeard: () => isHeard,
    isTerminal,
  };
}

/** Gives why it could not be written; null: it was. */
async function handOver(sink: Sink, text: string): Promise<NodeJS.ErrnoException | null> {
  try {
    sink.write(text);
    await sink.flush();
    return null;
  } catch (thrown) {
    return thrown as NodeJS.ErrnoException;
  }
}

/** Standard input and output as they are. */
export interface Pipes {
  readonly input: ReadableStream<Uint8Array>;
  readonly output: Sink;
  /** The person who types on the input, asked late, because finding out is slow; null, and absent: there is none. */
  readonly typist?: () => Promise<Typist | null>;
}

/** Somebody at a keyboard. */
export interface Typist {
  /** Whether what he types is shown from now on. */
  echo(isShown: boolean): void;
}

/** Standard input and output of this process. Whoever takes them is the only one to write there. */
export const standardPipes = (): Pipes => ({
  input: Bun.stdin.stream(),
  output: Bun.stdout.writer(),
  typist: async () => ((await isTerminal(0)) ? { echo: (isShown) => void process.stdin.setRawMode(!isShown) } : null),
});

/** Standard output (1) or standard error (2) of this process. */
export function standardOutput(descriptor: 1 | 2): Output {
  const sink = (descriptor === 1 ? Bun.stdout : Bun.stderr).writer();
  return createOutput(sink, () => isTerminal(descriptor));
}

/** Whether a descriptor is a terminal. What answers that brings all of sockets with it, so the cheap question comes first. */
async function isTerminal(descriptor: 0 | 1 | 2): Promise<boolean> {
  return !(await import("./device.ts")).isNoTerminal(descriptor) && (await import("node:tty")).isatty(descriptor);
}
