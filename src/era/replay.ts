/**
 * What was sent on the streams of one 2025 session, kept for a while so that a client that lost its connection can
 * resume where it was (2025-11-25, basic/transports: Resumability). An event id names the stream it was on, because
 * only that stream may be replayed.
 */
import type { Limits } from "../base/index.ts";
import type { Keeper, Kept } from "./kept.ts";

/** One event that was sent. */
export interface SentEvent {
  readonly id: string;
  readonly data: string;
}

interface KeptEvent extends SentEvent {
  readonly bytes: number;
  readonly stream: string;
  readonly number: number;
}

/** What an event takes beside its text, about. */
const overheadBytes = 256;

/** A place on a stream. */
export interface Place {
  readonly stream: string;
  readonly number: number;
}

export class Replay implements Keeper {
  readonly #kept: Kept;
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #events: KeptEvent[] = [];
  #bytes = 0;
  #number = 0;

  constructor(limits: Pick<Limits, "replayEventsMax" | "replayBytesMax">, kept: Kept) {
    this.#kept = kept;
    this.#eventsMax = limits.replayEventsMax;
    this.#bytesMax = limits.replayBytesMax;
  }

  /** An id for an event that carries nothing, so that there is a place to resume from. */
  mark(stream: string): string {
    this.#number += 1;
    return `${stream}_${this.#number}`;
  }

  /** Keeps an event as long as there is room; gives its id. */
  add(stream: string, data: string): string {
    const id = this.mark(stream);
    const bytes = Buffer.byteLength(data) + overheadBytes;
    // Others must not be lost for the sake of one that cannot be kept.
    if (bytes > this.#bytesMax) {
      this.#keep(this.#events.filter((event) => event.stream !== stream));
      return id;
    }
    this.#events.push({ id, data, bytes, stream, number: this.#number });
    this.#bytes += bytes;
    this.#kept.grown(this, bytes);
    const excess = this.#excess();
    if (excess > 0) this.#keep(this.#events.slice(excess));
    return id;
  }

  /** What was sent on that stream after that place, as far as it is still kept. */
  after({ stream, number }: Place): readonly SentEvent[] {
    return this.#events.filter((event) => event.stream === stream && event.number > number);
  }

  /** Something of this stream is still kept. */
  knows(stream: string): boolean {
    return this.#events.some((event) => event.stream === stream);
  }

  clear(): void {
    this.#keep([]);
  }

  /** How many of the oldest events are too many. */
  #excess(): number {
    let count = Math.max(0, this.#events.length - this.#eventsMax);
    let bytes = this.#bytes;
    for (const event of this.#events.slice(0, count)) bytes -= event.bytes;
    for (; bytes > this.#bytesMax; count += 1) bytes -= this.#events[count]?.bytes ?? 0;
    return count;
  }

  #keep(events: KeptEvent[]): void {
    const before = this.#bytes;
    this.#events = events;
    this.#bytes = events.reduce((sum, event) => sum + event.bytes, 0);
    this.#kept.shrunk(this, before - this.#bytes, events.length === 0);
  }
}

/** The place that an event id of ours names, or null. */
export function placeOf(eventId: string): Place | null {
  const parts = /^([gp]\d{1,15})_(\d{1,15})$/.exec(eventId);
  return parts === null ? null : { stream: parts[1] as string, number: Number(parts[2]) };
}
