/** The 2025 sessions of the program: bounded in number, ended when idle, found only by the one who opened them. */
import { type Clock, fault, type Limits, randomBytes, type Timer } from "../base/index.ts";
import type { Principal, Selection } from "../protocol/index.ts";
import { Kept } from "./kept.ts";
import { type Around, Session } from "./session.ts";
import type { Streams } from "./streams.ts";

export class Sessions {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #around: Around;
  readonly #byId = new Map<string, Session>();
  #sweep: Timer | null = null;

  constructor(clock: Clock, limits: Limits, streams: Streams) {
    this.#clock = clock;
    this.#limits = limits;
    this.#around = Object.freeze({ clock, limits, streams, kept: new Kept(clock, limits) });
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * Opens one. When all places are taken, or all that one grant may have, the quiet one unused for longest gives way;
   * throws LIMIT_REACHED if none is quiet.
   */
  open(principal: Principal, selection: Selection): Session {
    this.#keepShare(principal);
    if (this.#byId.size >= this.#limits.sessionsMax) this.#makeRoom(principal);
    const id = randomBytes(24).toString("base64url");
    const session = new Session({ id, principalId: principal.id, server: selection.server, filter: selection.filter }, this.#around);
    this.#byId.set(id, session);
    session.onEnd(() => this.#byId.delete(id));
    this.#sweep ??= this.#clock.timer(this.#limits.sessionIdleMsMax, () => this.#endIdle());
    return session;
  }

  /** The session of this id, if it is this principal's and was opened on this very endpoint with this very selection; else null. */
  find(id: string, principal: Principal, selection: Selection): Session | null {
    const session = this.#byId.get(id);
    if (session === undefined || session.principalId !== principal.id || !isFor(session, selection)) return null;
    session.touch();
    return session;
  }

  /** What these principals were granted is gone, and so are their sessions. */
  endOf(principalIds: ReadonlySet<string>): void {
    for (const session of [...this.#byId.values()]) if (principalIds.has(session.principalId)) session.end("its grant has ended");
  }

  close(): void {
    this.#sweep?.cancel();
    for (const session of [...this.#byId.values()]) session.shutDown();
  }

  // Whoever may do everything is the operator, whose programs all have the one token of this computer.
  #keepShare({ id, scopes }: Principal): void {
    if (scopes === null) return;
    const own = [...this.#byId.values()].filter((session) => session.principalId === id);
    if (own.length < this.#limits.sessionsPerGrantMax) return;
    const oldest = oldestOf(own.filter((session) => session.quiet));
    if (oldest === undefined) throw fault("LIMIT_REACHED", { detail: "limits.sessionsPerGrantMax" });
    oldest.end("its place was needed");
  }

  // A principal that opens many ends its own before anybody else's.
  #makeRoom(principal: Principal): void {
    const quiet = [...this.#byId.values()].filter((session) => session.quiet);
    const own = quiet.filter((session) => session.principalId === principal.id);
    const oldest = oldestOf(own) ?? oldestOf(quiet);
    if (oldest === undefined) throw fault("LIMIT_REACHED", { detail: "limits.sessionsMax" });
    oldest.end("its place was needed");
  }

  #endIdle(): void {
    this.#sweep = null;
    const { sessionIdleMsMax } = this.#limits;
    const now = this.#clock.now();
    for (const session of [...this.#byId.values()]) {
      if (session.quiet && session.usedAt + sessionIdleMsMax <= now) session.end("it was idle for too long");
    }
    const oldest = oldestOf([...this.#byId.values()]);
    if (oldest === undefined) return;
    const left = Math.max(oldest.usedAt + sessionIdleMsMax - now, sessionIdleMsMax / 10);
    this.#sweep = this.#clock.timer(left, () => this.#endIdle());
  }
}

const isFor = (session: Session, { server, filter }: Selection): boolean => session.server === server && session.filter === filter;

const oldestOf = (sessions: readonly Session[]): Session | undefined => sessions.reduce<Session | undefined>((oldest, one) => (oldest === undefined || one.usedAt < oldest.usedAt ? one : oldest), undefined);
