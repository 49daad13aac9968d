/**
 * One client over a pair of pipes (2026-07-28, basic/transports/stdio). Both eras share the one channel, message by
 * message: what carries an envelope is modern, and the handshake opens a session for what carries none. What HTTP says
 * by closing a connection is said here in words, so this file knows which of the client's requests are still open.
 */
import { fault, type Fault, faultOf, type Log } from "../base/index.ts";
import { elementsOf, emptyObject, memberOf, type Message, type Notification, notificationText, parseMessage, type Parsed, quote, type Raw, type Request, resultText, stringOf } from "../protocol/index.ts";
import { refusalOf } from "./admission.ts";
import { Answering, Answers, type Open, type RequestChannel, WaitingCalls } from "./answering.ts";
import { claimsVersion, olderFault } from "./classify.ts";
import type { Sink } from "./clientCall.ts";
import { take } from "./dialogue.ts";
import { refusalText } from "./exchange.ts";
import { readMeta } from "./hop.ts";
import { batchFault, unreadable } from "./legacy.ts";
import { openListening, tagOf } from "./listen.ts";
import { methodOf } from "./methods.ts";
import { beginCall, discover } from "./modern.ts";
import type { North } from "./north.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { watchOf } from "./subscribe.ts";
import type { Pipe, PipeIn } from "./types.ts";

/** A pipe as the era room keeps it. */
export interface OpenPipe extends Pipe {
  /** The program ends: whoever waits for an answer learns why there is none. */
  shutDown(): void;
}

/** What a pipe is opened among. `closed` is called once, when it has ended. */
export interface PipeOptions {
  readonly north: North;
  readonly sessions: Sessions;
  readonly log: Log;
  readonly closed: (pipe: OpenPipe) => void;
}

/** Serves one client over a pair of pipes; see Eras.stdio. */
export const createPipe = (client: PipeIn, options: PipeOptions): OpenPipe => new ClientPipe(client, options);

class ClientPipe implements OpenPipe {
  readonly #client: PipeIn;
  readonly #options: PipeOptions;
  /** What is open of the modern era, by the client's id. */
  readonly #open = new Map<Raw, Open>();
  readonly #waiting = new WaitingCalls();
  /** The session of what carries no envelope, from its handshake on. */
  #session: Session | null = null;
  /** Runs when nothing is due any more; null as long as more may come in. */
  #answered: (() => void) | null = null;
  #ended = false;

  constructor(client: PipeIn, options: PipeOptions) {
    this.#client = client;
    this.#options = options;
  }

  receive(line: string): void {
    if (this.#ended) return;
    if (line.trimStart().startsWith("[")) return this.#batch(line);
    const parsed = parseMessage(line, this.#options.north.limits);
    if (parsed.ok) this.#take(parsed.message, this.#straight);
    else this.#refuse(parsed.id, unreadable(parsed));
  }

  finish(answered: () => void): void {
    this.#answered = answered;
    this.#look();
  }

  end(): void {
    if (this.#ended) return;
    const reason = "the client has gone";
    // First of all, so that nothing which ends now is told to nobody.
    this.#ended = true;
    for (const open of [...this.#open.values()]) open.cancel(reason);
    this.#waiting.end(reason);
    this.#session?.end(reason);
    this.#options.closed(this);
  }

  shutDown(): void {
    this.#session?.shutDown();
    for (const open of [...this.#open.values()]) open.shutDown();
    this.end();
  }

  // ---- what comes in -----------------------------------------------------------------------------------------------

  /** A bug in serving one message is that message's failure alone. */
  #take(message: Message, sink: Sink): void {
    try {
      this.#dispatch(message, sink);
    } catch (thrown) {
      const refused = faultOf(thrown);
      this.#options.log.error("a message failed inside", { code: refused.code, reason: String(refused.cause ?? refused) });
      if (message.kind !== "request") return;
      this.#open.delete(message.id);
      sink.answer(refused.row.http, refusalText(message.id, refused));
    }
  }

  #dispatch(message: Message, sink: Sink): void {
    if (message.kind === "request") return this.#takeRequest(message, sink);
    // An id stands for the one request that is open under it, of whichever era; most notifications have no envelope.
    if (message.kind === "notification" && this.#cancelled(message)) return;
    if (this.#session !== null && !claimsVersion(message)) take(this.#options.north, this.#session, message, this.#client, sink);
  }

  #takeRequest(message: Request, sink: Sink): void {
    if (claimsVersion(message)) return this.#takeModern(message);
    if (this.#options.north.isModernOnly) return sink.answer(400, refusalText(message.id, olderFault(message)));
    if (message.method === "initialize") return this.#shake(message, sink);
    const session = this.#standing();
    if (session !== null) return take(this.#options.north, session, message, this.#client, sink);
    if (message.method === "ping") return sink.answer(200, resultText(message.id, "{}"));
    // Nothing but the modern era has this method, so its client is told what that era wants.
    if (methodOf(message.method).legacy === null) return this.#takeModern(message);
    sink.answer(200, refusalText(message.id, fault("SESSION_MISSING", { detail: "no handshake yet" })));
  }

  /** A batch, which only sessions of one revision have (2025-03-26, basic: Batching). */
  #batch(line: string): void {
    const { north } = this.#options;
    const elements = elementsOf(line, north.limits);
    if (elements === null) return this.#refuse(null, unreadable(parseMessage(line, north.limits)));
    const batch = elements.map((element) => parseMessage(element, north.limits));
    const session = this.#standing();
    if (session?.revision !== "2025-03-26") return this.#refuse(null, fault("MESSAGE_INVALID", { detail: "there is no session whose revision has batches" }));
    const refused = batchFault(batch, north.limits.batchMax);
    if (refused !== null) return this.#refuse(null, refused);
    this.#takeBatch(batch);
  }

  #takeBatch(batch: readonly Parsed[]): void {
    const answers = new Answers(batch.filter((parsed) => !parsed.ok || parsed.message.kind === "request").length, (text) => this.#send(text));
    for (const parsed of batch) {
      if (parsed.ok) this.#take(parsed.message, answers);
      else answers.answer(400, refusalText(parsed.id, unreadable(parsed)));
    }
  }

  #cancelled({ method, params }: Notification): boolean {
    if (method !== "notifications/cancelled" || params === null) return false;
    const id = memberOf(params, "requestId") ?? "";
    const reason = stringOf(params, "reason") ?? "the client cancelled it";
    const open = this.#open.get(id);
    if (open === undefined) return this.#waiting.cancel(id, reason);
    open.cancel(reason);
    return true;
  }

  // ---- the modern era ----------------------------------------------------------------------------------------------

  #takeModern(message: Request): void {
    const { north } = this.#options;
    const { id, method } = message;
    const envelope = readMeta(message.meta);
    const refused = refusalOf(message, message.params ?? emptyObject, envelope, null, north) ?? this.#barred(id);
    if (refused !== null) return this.#refuse(id, refused);
    if (method === "subscriptions/listen") return this.#listen(message);
    const answering = new Answering(this.#channel(id), id, this.#waiting);
    this.#open.set(id, answering);
    if (methodOf(method).modern === "proxy") return beginCall(north, message, envelope, this.#client, answering);
    discover(north, id, this.#client, answering);
  }

  #barred(id: Raw): Fault | null {
    if (this.#open.has(id)) return fault("MESSAGE_INVALID", { detail: "a request with this id is running" });
    return this.#open.size >= this.#options.north.limits.pendingMax ? fault("LIMIT_REACHED", { detail: "limits.pendingMax" }) : null;
  }

  #listen(message: Request): void {
    const { id } = message;
    const channel = this.#channel(id);
    try {
      const listening = openListening(this.#options.north, message, this.#client, (text) => channel.send(text));
      const over = (last: readonly string[]): void => {
        listening.end();
        for (const text of last) channel.send(text);
        channel.done();
      };
      this.#open.set(id, { cancel: () => over([]), shutDown: () => over([goodbyeText(id), listening.farewell]) });
    } catch (thrown) {
      this.#refuse(id, faultOf(thrown));
    }
  }

  /** The part of the pipe that one request may use until it is done. */
  #channel(id: Raw): RequestChannel {
    let open = true;
    return {
      send: (text) => {
        if (open) this.#send(text);
      },
      done: () => {
        open = false;
        this.#open.delete(id);
      },
    };
  }

  // ---- the 2025 era ------------------------------------------------------------------------------------------------

  /** The session that stands; null before the handshake, and when the last one has ended. */
  #standing(): Session | null {
    return this.#session === null || this.#session.ended ? null : this.#session;
  }

  #shake(message: Request, sink: Sink): void {
    const { north, sessions } = this.#options;
    const standing = this.#standing();
    if (standing !== null) return take(north, standing, message, this.#client, sink);
    try {
      const session = sessions.open(this.#client.principal, this.#client.selection);
      this.#session = session;
      watchOf(north, session, this.#client);
      take(north, session, message, this.#client, this.#greeting(session, sink));
      if (session.revision === null) session.end("its handshake was refused");
    } catch (thrown) {
      this.#session?.end("it could not be opened");
      sink.answer(200, refusalText(message.id, faultOf(thrown)));
    }
  }

  /** Nothing of the session's own may come before the answer to its handshake. */
  #greeting(session: Session, sink: Sink): Sink {
    return {
      ...sink,
      answer: (status, text) => {
        sink.answer(status, text);
        if (!session.ended) session.pipe = { send: (notice) => this.#send(notice), end: () => undefined };
      },
    };
  }

  // ---- what goes out -----------------------------------------------------------------------------------------------

  /** Answers come and go on the one channel. */
  readonly #straight: Sink = { notice: (text) => this.#send(text), answer: (_status, text) => this.#send(text), none: () => undefined };

  #refuse(id: Raw | null, refused: Fault): void {
    this.#send(refusalText(id, refused));
  }

  #send(text: string): void {
    if (this.#ended) return;
    this.#client.send(lineOf(text));
    // What was said last may still be taken from the books.
    if (this.#answered !== null) queueMicrotask(() => this.#look());
  }

  #look(): void {
    const isDue = this.#standing()?.busy === true || [...this.#open.values()].some((open) => open instanceof Answering);
    if (isDue) return;
    this.#answered?.();
    this.#answered = null;
  }
}

// Where there is no connection to close, the end of a listen is said (2026-07-28, basic/patterns/cancellation).
const goodbyeText = (id: Raw): string => notificationText("notifications/cancelled", `{"requestId":${id},"reason":${quote(fault("SHUTTING_DOWN").message)},${tagOf(id)}}`);

// A server over HTTP may put line breaks between the tokens of its JSON; none can be inside a string.
const lineOf = (text: string): string => (text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]+/g, " ") : text);
