/**
 * Reading what a child says. It hides that a line may be no message and yet answer somebody, and that a child which says
 * much to nobody is read slowly, so that its pipes fill and the system makes it wait.
 */
import type { Clock, Limits } from "../base/index.ts";
import { answeredIn, createLines, type Message } from "../protocol/index.ts";
import { eachMessage, type Misfit } from "./incoming.ts";
import { Noise } from "./noise.ts";
import type { StderrRing } from "./stderr.ts";

/** The part of a stream's reader that is used; `value` is missing at the end. */
export interface ByteReader {
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly limits: Limits;
}

export interface Hearer {
  /** Something came, whatever it is. */
  heard(): void;
  /** True when somebody waited for it. */
  message(message: Message): boolean;
  /** A line or a part of a batch that is no message. */
  misfit(misfit: Misfit): void;
}

/** Little is done for an empty line, but there may be many. */
const blankCost = 64;

/** Reads stdout to its end. */
export async function readStdout(stdout: ByteReader, { clock, limits }: Surroundings, hearer: Hearer): Promise<void> {
  const noise = new Noise(clock, limits);
  let answers = 0;
  const take = (message: Message): void => {
    if (hearer.message(message)) answers += 1;
  };
  const misfit = (one: Misfit): void => hearer.misfit(one);
  const tooLong = `a message of more than ${limits.messageBytesMax} bytes (limits.messageBytesMax)`;
  const lines = createLines({
    bytesMax: limits.messageBytesMax,
    // Empty lines can be a flood like others.
    blank: true,
    onText(line) {
      if (line === "") return noise.passed(blankCost);
      const before = answers;
      eachMessage(line, limits, take, misfit);
      if (answers === before) noise.line(line.length);
    },
    onProblem(what, { head, tail, bytes }) {
      noise.line(what === "too-long" ? 0 : bytes);
      const isLong = what === "too-long";
      misfit({ id: answeredIn(head, tail), detail: isLong ? tooLong : "its answer is not UTF-8", what: isLong ? "a line that is too long" : "a line that is not UTF-8" });
    },
    onDropped: (bytes) => noise.passed(bytes),
    onDroppedEnd({ head, tail }) {
      const id = answeredIn(head, "") === null ? answeredIn(head, tail) : null;
      if (id !== null) misfit({ id, detail: tooLong });
    },
  });
  await readAll(stdout, noise, (chunk) => {
    hearer.heard();
    lines.feed(chunk);
  });
  lines.end();
}

/** Reads stderr to its end. */
export async function readStderr(stderr: ByteReader, ring: StderrRing, { clock, limits }: Surroundings): Promise<void> {
  const noise = new Noise(clock, limits);
  await readAll(stderr, noise, (chunk) => {
    ring.feed(chunk);
    noise.line(chunk.length);
  });
  ring.end();
}

async function readAll(from: ByteReader, noise: Noise, take: (chunk: Uint8Array) => void): Promise<void> {
  for (let next = await from.read(); next.value !== undefined; next = await from.read()) {
    take(next.value);
    const pause = noise.pause();
    if (pause !== null) await pause;
  }
}
