/**
 * One 2025 client between its handshake and its end: what it said of itself, the calls it waits for, and its streams.
 * A session is no credential: whoever uses it has been authorised for this very request, and must be the one who
 * opened it.
 */
import { CancelSource, type Clock, type Fault, fault, type Limits } from "../base/index.ts";
import { type Client, type LogLevel, type Raw, type SessionTie, type Watching } from "../protocol/index.ts";
import type { ClientCall } from "./clientCall.ts";
import { ClientQuestions } from "./clientQuestions.ts";
import { type Channel, refusalText } from "./exchange.ts";
import type { Kept } from "./kept.ts";
import { placeOf, Replay } from "./replay.ts";
import { RootsNews } from "./roots.ts";
import { SessionStream } from "./sessionStream.ts";
import type { Streams } from "./streams.ts";
import type { LegacyRevision } from "./version.ts";

/** What a session is opened with. */
export interface SessionStart {
  readonly id: string;
  readonly principalId: string;
  readonly server: string | null;
  /** The tag expression that narrows what it sees; left out for none. */
  readonly filter?: string | undefined;
}

/** A request of the client that waits for its answer. */
export type Running = Pick<ClientCall, "abandon" | "interrupt">;

/** What all sessions share. */
export interface Around {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly streams: Streams;
  readonly kept: Kept;
}

/** Streams begin with an event that only has an id (2025-11-25; older clients stumble over empty data). */
export const isPrimed = (session: Session): boolean => session.revision === "2025-11-25";

export class Session {
  readonly id: string;
  readonly principalId: string;
  readonly server: string | null;
  readonly filter: string | undefined;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #streams: Streams;
  readonly #replay: Replay;
  /** Unanswered calls by the client's id. */
  readonly #calls = new Map<Raw, Running>();
  /** Streams that are not finished, by name; in order of opening. */
  readonly #unfinished = new Map<string, SessionStream>();
  readonly #endings: (() => void)[] = [];
  #streamNumber = 0;
  #watching: Watching | null = null;
  #ended = false;
  /** Null before the handshake. */
  revision: LegacyRevision | null = null;
  client: Client = Object.freeze({ info: null, capabilities: "{}" });
  /** Until the client says otherwise (logging/setLevel). */
  logLevel: LogLevel = "warning";
  /** HTTP+SSE and stdio: the one channel that everything goes to. */
  pipe: Channel | null = null;
  readonly #over = new CancelSource();
  /** What the client is asked in the middle of its calls. */
  readonly questions: ClientQuestions;
  readonly roots = new RootsNews();
  /** What backends may know of it. */
  readonly tie: SessionTie;
  usedAt: number;

  constructor(start: SessionStart, around: Around) {
    this.id = start.id;
    this.principalId = start.principalId;
    this.server = start.server;
    this.filter = start.filter;
    this.#clock = around.clock;
    this.#limits = around.limits;
    this.#streams = around.streams;
    this.#replay = new Replay(around.limits, around.kept);
    this.questions = new ClientQuestions(this, around.clock, around.limits);
    this.usedAt = around.clock.now();
    const { questions, roots } = this;
    this.tie = { id: start.id, ended: this.#over, beside: { ask: (ask) => questions.askBeside(ask), notice: (notice) => questions.noticeBeside(notice), onRoots: (listener) => roots.onChange(listener) } };
    this.onEnd(() => this.#over.cancel("the session has ended"));
  }

  /** Nothing runs and nobody reads. */
  get quiet(): boolean {
    return this.#calls.size === 0 && this.pipe === null && ![...this.#unfinished.values()].some((stream) => stream.attached);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The client waits for an answer. */
  get busy(): boolean {
    return this.#calls.size > 0;
  }

  /** Somebody reads what belongs to no request. */
  get listens(): boolean {
    return this.pipe !== null || this.#standalone().some((stream) => stream.attached);
  }

  touch(): void {
    this.usedAt = this.#clock.now();
  }

  /** Notes a running call; gives the Fault if it may not run. */
  begin(id: Raw, call: Running): Fault | null {
    if (this.#calls.has(id)) return fault("MESSAGE_INVALID", { detail: "a request with this id is running" });
    if (this.#calls.size >= this.#limits.pendingMax) return fault("LIMIT_REACHED", { detail: "limits.pendingMax" });
    this.#calls.set(id, call);
    return null;
  }

  /** The call has come to its end, wanted or not. */
  finish(id: Raw, call: Running): void {
    if (this.#calls.get(id) === call) this.#calls.delete(id);
    this.touch();
  }

  /** The client wants no answer to this one any more; an unknown id is fine. */
  cancel(id: Raw, reason: string): void {
    this.#calls.get(id)?.abandon(reason);
    this.#calls.delete(id);
  }

  /** Makes a stream for the answer to a POST; it can be resumed as long as the session keeps its events. */
  openAnswer(): SessionStream {
    return this.#open("p");
  }

  /** Opens a standalone stream. Throws LIMIT_REACHED. */
  openStandalone(): SessionStream {
    const open = this.#standalone();
    const idle = open.find((stream) => !stream.attached);
    if (open.length >= this.#limits.sessionStreamsMax) {
      if (idle === undefined) throw fault("LIMIT_REACHED", { detail: "limits.sessionStreamsMax" });
      idle.end();
    }
    return this.#open("g");
  }

  /**
   * Takes up the stream that this event was on. Null: it is not one of ours, or nothing of it is kept. A stream that
   * was answered in the meantime is replayed and ends.
   */
  resume(lastEventId: string): SessionStream | null {
    const place = placeOf(lastEventId);
    if (place === null) return null;
    const unfinished = this.#unfinished.get(place.stream);
    if (unfinished === undefined && !this.#replay.knows(place.stream)) return null;
    const stream = unfinished ?? new SessionStream(place.stream, this.#replay, this.#streams, () => undefined);
    stream.attach(this.#replay.after(place));
    if (unfinished === undefined) stream.end();
    return stream;
  }

  /** The watch that lasts as long as the session, opened by the first who needs it; null when the session is over. */
  watchOnce(watch: () => Watching): Watching | null {
    if (this.#watching !== null || this.#ended) return this.#watching;
    const watching = watch();
    this.#watching = watching;
    this.onEnd(() => watching.end());
    return watching;
  }

  /** Sends a message that belongs to no request: on exactly one stream, the newest that is read. */
  announce(text: string): void {
    if (this.pipe !== null) return this.pipe.send(text);
    const open = this.#standalone();
    const stream = open.findLast((one) => one.attached) ?? open.at(-1);
    stream?.send(text);
  }

  /** Runs `ending` when the session ends, or now if it has ended. */
  onEnd(ending: () => void): void {
    if (this.#ended) ending();
    else this.#endings.push(ending);
  }

  /** The program ends: whoever waits for an answer learns why there is none, on whatever it waits. */
  shutDown(): void {
    const refused = fault("SHUTTING_DOWN");
    for (const [id, call] of this.#calls) call.interrupt(refused.row.http, refusalText(id, refused), refused.message);
    this.end(refused.message);
  }

  /** Cancels what runs and ends every stream. Ending twice is fine. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const call of this.#calls.values()) call.abandon(reason);
    this.#calls.clear();
    for (const stream of [...this.#unfinished.values()]) stream.end();
    this.pipe?.end();
    this.pipe = null;
    this.#replay.clear();
    for (const ending of this.#endings) ending();
  }

  #standalone(): SessionStream[] {
    return [...this.#unfinished.values()].filter((stream) => stream.name.startsWith("g"));
  }

  #open(kind: "g" | "p"): SessionStream {
    this.#streamNumber += 1;
    const stream = new SessionStream(`${kind}${this.#streamNumber}`, this.#replay, this.#streams, (one) => this.#unfinished.delete(one.name));
    this.#unfinished.set(stream.name, stream);
    stream.attach([], isPrimed(this));
    return stream;
  }
}
