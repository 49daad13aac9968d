/**
 * What was sent on the streams of one 2025 session, kept for a while so that a client that lost its connection can
 * resume where it was (2025-11-25, basic/transports: Resumability). An event id names the stream it was on, because
 * only that stream may be replayed.
 */
import type { Limits } from "../base/index.ts";

/** One event that was sent. */
export interface SentEvent {
  readonly id: string;
  readonly data: string;
}

interface Kept extends SentEvent {
  readonly bytes: number;
  readonly stream: string;
  readonly number: number;
}

/** A place on a stream. */
export interface Place {
  readonly stream: string;
  readonly number: number;
}

export class Replay {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #events: Kept[] = [];
  #bytes = 0;
  #number = 0;

  constructor(limits: Pick<Limits, "replayEventsMax" | "replayBytesMax">) {
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
    const bytes = Buffer.byteLength(data);
    this.#events.push({ id, data, bytes, stream, number: this.#number });
    this.#bytes += bytes;
    this.#forget();
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

  #forget(): void {
    let gone = 0;
    while (this.#events.length - gone > this.#eventsMax || this.#bytes > this.#bytesMax) {
      this.#bytes -= this.#events[gone]?.bytes ?? 0;
      gone += 1;
    }
    if (gone > 0) this.#events = this.#events.slice(gone);
  }
}

/** The place that an event id of ours names, or null. */
export function placeOf(eventId: string): Place | null {
  const parts = /^([gp]\d{1,15})_(\d{1,15})$/.exec(eventId);
  return parts === null ? null : { stream: parts[1] as string, number: Number(parts[2]) };
}
