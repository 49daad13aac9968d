/**
 * GET streams of an HTTP backend of the older era: the standing one for what belongs to no request, and those by which
 * a dropped answer is taken up again. Both are opened anew as the backend asked for (`retry`), from where they broke
 * (2025-11-25, basic/transports: resumability), and both fail quietly, because neither may be offered at all.
 */
import { type Cancel, CancelSource, type Fault, fault, faultOf, sleep, type Timer } from "../base/index.ts";
import type { Message } from "../protocol/index.ts";
import { Backoff } from "./backoff.ts";
import { Hearing } from "./hearing.ts";
import type { South } from "./south.ts";
import { headers as words } from "./words.ts";

/** What the dialect tells and wants to be told. */
export interface StandingHooks {
  headers(): Readonly<Record<string, string>>;
  /** The stream is open again and nothing says that all was replayed. */
  missed(): void;
  /** The session is unknown to the backend. */
  expired(): void;
}

/** Where a stream broke. */
export interface Break {
  readonly lastEventId: string;
  readonly retryMs: number | null;
}

/** How long to wait when the backend said so: as long as it asked, but never in a tight loop nor for ever. */
const pauseMs = (south: South, retryMs: number | null): number => Math.min(Math.max(retryMs ?? 0, south.limits.backoffMsMin), south.limits.listenMsMax);

/** A request whose answer is waited for: a flight, or one of our own. */
export interface Waiter {
  readonly id: number;
  stop: ((reason: Fault) => void) | null;
}

interface Waiting {
  resolve(message: Message): void;
  postpone(ms: number): void;
}

/** The standing stream. */
export class Standing {
  readonly #south: South;
  readonly #hooks: StandingHooks;
  readonly #backoff: Backoff;
  #timer: Timer | null = null;
  #closed = false;
  #open = false;
  /** Streams of an earlier session end later than ours begins; only the newest may act. */
  #round = 0;
  #everOpen = false;
  readonly #hearing = new Hearing();

  constructor(south: South, hooks: StandingHooks) {
    this.#south = south;
    this.#hooks = hooks;
    this.#backoff = new Backoff(south.clock, south.limits);
  }

  get open(): boolean {
    return this.#open;
  }

  /** See UpstreamFacts. */
  get mute(): boolean {
    return this.#hearing.mute;
  }

  /** Resolves when it is open, or when it is known not to be, or after a while. */
  heard(): Promise<void> {
    return this.#hearing.wait(this.#south);
  }

  /** Opens it, for the first time or for a new session. */
  start(): void {
    if (this.#closed) return;
    this.#round += 1;
    this.#timer?.cancel();
    void this.#listen(this.#round, null);
  }

  close(): void {
    this.#closed = true;
    this.#round += 1;
    this.#timer?.cancel();
  }

  async #listen(round: number, lastEventId: string | null): Promise<void> {
    const headers = lastEventId === null ? this.#hooks.headers() : { ...this.#hooks.headers(), [words.lastEvent]: lastEventId };
    let ended = false;
    this.#backoff.begun();
    const onEnd = (eventId: string | null, retryMs?: number | null): void => {
      ended = true;
      this.#ended(round, eventId ?? lastEventId, retryMs ?? null);
    };
    const status = await this.#south.wire.listen?.(headers, onEnd).catch((thrown: unknown) => this.#failed(thrown));
    if (round !== this.#round || status === undefined) return;
    if (status === 200) this.#opened(ended, lastEventId);
    else this.#refused(round, status, lastEventId);
  }

  #opened(ended: boolean, lastEventId: string | null): void {
    this.#open = !ended;
    const isLate = this.#hearing.settle();
    if ((this.#everOpen || isLate) && lastEventId === null) this.#hooks.missed();
    this.#everOpen = true;
  }

  #ended(round: number, lastEventId: string | null, retryMs: number | null): void {
    if (round !== this.#round) return;
    this.#open = false;
    this.#again(round, lastEventId, retryMs === null ? this.#backoff.delayMs() : pauseMs(this.#south, retryMs));
  }

  /** Before it was ever open, a refusal means "not offered" (405 by the book), unless it is about this moment only. */
  #refused(round: number, status: number, lastEventId: string | null): void {
    this.#open = false;
    this.#hearing.settle();
    const isOffered = status === 0 || status >= 500 || (this.#everOpen && status !== 405);
    if (status === 404 && this.#everOpen) this.#hooks.expired();
    else if (isOffered) this.#again(round, status === 400 ? null : lastEventId, this.#backoff.delayMs());
    else this.#south.log.debug("no standing stream is offered", { backend: this.#south.options.name, status });
  }

  #failed(thrown: unknown): number {
    this.#south.log.debug("the standing stream could not be opened", { backend: this.#south.options.name, code: faultOf(thrown).code });
    return 0;
  }

  #again(round: number, lastEventId: string | null, ms: number): void {
    if (this.#closed) return;
    this.#timer = this.#south.clock.timer(ms, () => void this.#listen(round, lastEventId));
  }
}

/** Answers that are waited for on other streams than their own. */
export class Resumed {
  readonly #south: South;
  readonly #waiting = new Map<number, Waiting>();

  constructor(south: South) {
    this.#south = south;
  }

  /** Hands over a response that came on no request's stream; false when nobody waits for it. */
  take(message: Message): boolean {
    if (message.kind !== "result" && message.kind !== "failure") return false;
    const waiting = this.#waiting.get(Number(message.id ?? "x"));
    waiting?.resolve(message);
    return waiting !== undefined;
  }

  /** The answer to a request is due `ms` from now instead, if it is waited for here. */
  postpone(id: number, ms: number): void {
    this.#waiting.get(id)?.postpone(ms);
  }

  /** Waits for the answer to a request whose stream ended early. Throws BACKEND_GONE, BACKEND_TIMEOUT, CALL_CANCELLED. */
  async answer(waiter: Waiter, from: Break, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Message> {
    const { clock, options } = this.#south;
    const begunAt = clock.now();
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const start = (ms: number): Timer => clock.timer(ms, () => reject(fault("BACKEND_TIMEOUT", { backend: options.name, detail: `nothing within ${clock.now() - begunAt} ms after its stream broke` })));
    let timer = start(timeoutMs);
    const postpone = (ms: number): void => {
      timer.cancel();
      timer = start(ms);
    };
    this.#waiting.set(waiter.id, { resolve, postpone });
    waiter.stop = reject;
    const over = new CancelSource();
    try {
      return await Promise.race([promise, this.#keep(over, from, headers)]);
    } finally {
      over.cancel("answered");
      timer.cancel();
      waiter.stop = null;
      this.#waiting.delete(waiter.id);
    }
  }

  /** Opens the stream again and again for as long as somebody waits; never gives an answer by itself. */
  async #keep(over: Cancel, from: Break, headers: Readonly<Record<string, string>>): Promise<never> {
    let at = from;
    for (;;) {
      // The server says how long, and may say what it likes: nothing of that outlasts who waits.
      await sleep(this.#south.clock, pauseMs(this.#south, at.retryMs), over);
      if (over.cancelled) throw fault("CALL_CANCELLED", { backend: this.#south.options.name });
      at = await this.#follow(at, headers);
    }
  }

  /** Opens the stream from where it broke and follows it to its end; gives where to go on. */
  async #follow(from: Break, headers: Readonly<Record<string, string>>): Promise<Break> {
    const { wire, options } = this.#south;
    const ended = Promise.withResolvers<Break>();
    const onEnd = (eventId: string | null, retryMs?: number | null): void => ended.resolve({ lastEventId: eventId ?? from.lastEventId, retryMs: retryMs ?? from.retryMs });
    const status = await wire.listen?.({ ...headers, [words.lastEvent]: from.lastEventId }, onEnd);
    if (status !== 200) throw fault("BACKEND_GONE", { backend: options.name, detail: `its stream could not be resumed (HTTP ${status ?? "none"})` });
    return await ended.promise;
  }
}
