/**
 * The link to a remote server over HTTP (basic/transports: Streamable HTTP; and the older HTTP+SSE,
 * see sse.ts). It hides which shape an answer comes in, JSON or a stream of events, and what is still open.
 */
import type { RemoteLogin } from "../auth/index.ts";
import { type Clock, type Egress, type EgressInit, type EgressReply, escapeControls, Fault, fault, faultOf, type KnownSecrets, type Limits, type Log, reveal } from "../base/index.ts";
import type { RemoteCertificates, RemoteSpec } from "../config/index.ts";
import type { WireReply, WireRequest } from "../era/index.ts";
import { createSseReader, type Message } from "../protocol/index.ts";
import { isJson, isSse, readJson } from "./answer.ts";
import { isForAllOf, withLogin } from "./authorized.ts";
import { goneFault } from "./gone.ts";
import { eachMessage } from "./incoming.ts";
import type { Link } from "./link.ts";
import { Noise } from "./noise.ts";
import { Pending } from "./pending.ts";
import { openSse, type SseChannel } from "./sse.ts";

export interface HttpOptions {
  readonly spec: RemoteSpec;
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Takes secrets out of texts that were not made here. */
  readonly secrets: KnownSecrets;
  /** What it is used with; absent or null: the configured headers are all. */
  readonly login?: RemoteLogin | null;
}

/** How much of a peer's own words is shown inside ours. */
const shownMax = 100;

/** Makes the link; nothing is opened before `open`. */
export const createHttpLink = (options: HttpOptions): Link => new HttpLink(options);

const ignore = (): void => undefined;
const answerTypes = "application/json, text/event-stream";

const certificatesIn = ({ own, ca }: RemoteCertificates): NonNullable<EgressInit["tls"]> => ({
  ...(own === null ? {} : { cert: reveal(own.cert), key: own.key.reveal() }),
  ...(ca === null ? {} : { ca: reveal(ca) }),
});

class HttpLink implements Link {
  readonly pid = null;
  onMessage: (message: Message) => void = ignore;
  onDown: (reason: string) => void = ignore;
  onLate: () => void = ignore;
  /** Only where the operator left the choice of the transport to us. */
  readonly openSse?: () => Promise<boolean>;
  readonly login: RemoteLogin | null;
  needsLogin = false;
  readonly #unhook: () => void;
  readonly #options: HttpOptions;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #postHeaders: Readonly<Record<string, string>>;
  readonly #tls: NonNullable<EgressInit["tls"]> | null;
  readonly #pending: Pending<WireReply>;
  readonly #open = new Set<AbortController>();
  #sse: SseChannel | null = null;
  #fallen: string | null = null;
  #closed = false;

  constructor(options: HttpOptions) {
    const { spec, clock, limits } = options;
    this.#options = options;
    this.login = options.login ?? null;
    this.#unhook = this.login?.onChanged(() => this.#noticeLogin()) ?? ignore;
    this.#url = reveal(spec.url);
    this.#headers = Object.fromEntries(Object.entries(spec.headers).map(([name, value]) => [name.toLowerCase(), reveal(value)]));
    this.#postHeaders = { ...this.#headers, accept: answerTypes, "content-type": "application/json" };
    this.#tls = spec.certificates === null ? null : certificatesIn(spec.certificates);
    this.#pending = new Pending({ clock, pendingMax: limits.pendingMax + spec.maxInFlight, backend: spec.name, late: () => this.onLate() });
    if (spec.transport === "auto") this.openSse = () => this.#turnSse();
  }

  get transport(): "http" | "sse" {
    return this.#sse === null ? "http" : "sse";
  }

  get fallen(): string | null {
    return this.#fallen;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** Whole messages: a server that only opens streams, or keeps them open, may still be stuck. */
  get heard(): number {
    return this.#pending.heard;
  }

  stderr(): readonly string[] {
    return [];
  }

  async open(): Promise<void> {
    if (this.#options.spec.transport !== "sse") return;
    if (await this.#turnSse()) return;
    throw fault("BACKEND_REFUSED", { backend: this.#options.spec.name, op: "connect", detail: "its URL does not open a stream that names an endpoint" });
  }

  nextId(): number {
    return this.#pending.nextId();
  }

  request(request: WireRequest): Promise<WireReply> {
    try {
      const controller = this.#controller();
      const answer = this.#pending.open(request.id, request.timeoutMs, () => controller.abort(), request.standing);
      void this.#exchange(request, controller);
      return answer;
    } catch (thrown) {
      return Promise.reject(faultOf(thrown));
    }
  }

  async send(text: string, headers: Readonly<Record<string, string>>): Promise<void> {
    await this.#bounded(this.#options.limits.requestMsMax, async (signal) => {
      const reply = await this.#post(text, headers, signal);
      reply.cancel();
      if (reply.status >= 200 && reply.status < 300) return;
      throw fault("BACKEND_REFUSED", { backend: this.#options.spec.name, detail: `a message was answered with status ${reply.status}`, data: { status: reply.status } });
    });
  }

  abandon(id: number): void {
    this.#pending.abandon(id);
  }

  postpone(id: number, ms: number): void {
    this.#pending.postpone(id, ms);
  }

  async listen(headers: Readonly<Record<string, string>>, onEnd: (lastEventId: string | null, retryMs?: number | null) => void): Promise<number> {
    const controller = this.#controller();
    // An answer may come late, but not never.
    const timer = this.#options.clock.timer(this.#options.limits.requestMsMax, () => controller.abort());
    try {
      const reply = await this.#authorized((authorization) => this.#options.egress.openStream(this.#url, this.#init("GET", { ...headers, accept: "text/event-stream" }, controller.signal, authorization)));
      if (reply.status === 200 && isSse(reply)) {
        void this.#follow(reply, controller, onEnd);
        return 200;
      }
      this.#open.delete(controller);
      reply.cancel();
      // A page instead of a stream is as good as "not offered".
      return reply.status === 200 ? 405 : reply.status;
    } catch (thrown) {
      this.#open.delete(controller);
      // A stream is an extra: what is missing is told where it matters.
      if (faultOf(thrown).code === "LOGIN_NEEDED") return 401;
      throw thrown;
    } finally {
      timer.cancel();
    }
  }

  async drop(headers: Readonly<Record<string, string>>): Promise<void> {
    await this.#bounded(this.#options.limits.stdinEndMs, async (signal) => {
      const authorization = (await this.login?.authorization()) ?? null;
      const reply = await this.#options.egress.send(this.#url, this.#init("DELETE", headers, signal, authorization));
      reply.cancel();
    });
  }

  giveUp(reason: string): void {
    this.#pending.failAll(() => this.#gone(reason));
    this.#fall(reason);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unhook();
    this.#fallen ??= "it is being disconnected";
    this.#pending.failAll(() => this.#gone("it is being disconnected"));
    for (const controller of this.#open) controller.abort();
    this.#open.clear();
    this.#sse?.close();
  }

  // ---- one request -----------------------------------------------------------------------------------------------

  async #exchange(request: WireRequest, controller: AbortController): Promise<void> {
    try {
      const reply = await this.#post(request.text, request.headers, controller.signal);
      if (this.#sse !== null) this.#accepted(request, reply);
      else if (isSse(reply)) await this.#stream(request, reply, controller);
      else this.#pending.settle(request.id, await this.#whole(request, reply));
    } catch (thrown) {
      this.#failed(request.id, faultOf(thrown));
      controller.abort();
    } finally {
      this.#open.delete(controller);
    }
  }

  #failed(id: number, reason: Fault): void {
    this.#pending.fail(id, reason);
    if (isForAllOf(reason)) this.#noticeLogin();
    // Never connected: the server's trouble and not this call's, so that all that follow are spared the attempt. Calls that
    // are still running show that there is some connection; ending the link would end them.
    if (reason.code === "BACKEND_DOWN" && this.#pending.size === 0) this.#fall(reason.message.replace(`${this.#options.spec.name}: `, ""));
  }

  /** Whoever found it out, here or on another connection with the same login: nothing more goes on before somebody logs in. */
  #noticeLogin(): void {
    if (this.login?.needed !== true || this.#pending.size > 0 || this.#fallen !== null) return;
    this.needsLogin = true;
    this.#fall(`it wants a login (${this.login.advice})`);
  }

  #fall(reason: string): void {
    if (this.#closed) return;
    this.#fallen = reason;
    this.onDown(reason);
  }

  // HTTP+SSE: the answer comes on the stream; here only a refusal can come.
  #accepted(request: WireRequest, reply: EgressReply): void {
    reply.cancel();
    if (reply.status < 200 || reply.status > 299) this.#pending.settle(request.id, replyOf(reply, null, ""));
  }

  async #whole(request: WireRequest, reply: EgressReply): Promise<WireReply> {
    const { limits, spec } = this.#options;
    const body = await readJson(reply, limits, spec.name);
    this.#pending.hear();
    let answer: Message | null = null;
    for (const message of body.messages) {
      if (answers(message, request.id)) answer = message;
      else this.#pass(request, message);
    }
    if (answer === null && reply.status === 200 && body.text !== "") {
      const what = isJson(reply) ? "its answer does not hold the response" : `its answer is ${this.#shown(reply.header("content-type") ?? "of no stated type")}`;
      throw fault("BACKEND_GARBLED", { backend: spec.name, detail: what });
    }
    return replyOf(reply, answer, answer === null ? body.text.slice(0, limits.excerptMax) : "");
  }

  /** Words of the peer inside ours. */
  #shown(text: string): string {
    return escapeControls(this.#options.secrets.scrub(text)).slice(0, shownMax);
  }

  async #stream(request: WireRequest, reply: EgressReply, controller: AbortController): Promise<void> {
    const seen = await this.#events(reply, (message) => {
      if (!answers(message, request.id)) this.#pass(request, message);
      else if (this.#pending.settle(request.id, replyOf(reply, message, ""))) this.#trail(controller);
    });
    const resume = seen.lastEventId === null ? null : { lastEventId: seen.lastEventId, retryMs: seen.retryMs };
    if (resume !== null) this.#pending.settle(request.id, { ...replyOf(reply, null, ""), resume });
    this.#pending.fail(request.id, this.#gone("its answer ended before the response"));
  }

  // A well-behaved server ends the stream after the response, and the connection can be used again. Others are cut.
  #trail(controller: AbortController): void {
    this.#options.clock.timer(this.#options.limits.trailMsMax, () => controller.abort());
  }

  // Whatever a request's own stream brings besides its response belongs to that request.
  #pass(request: WireRequest, message: Message): void {
    if (message.kind === "result" || message.kind === "failure") return;
    if (request.onMessage === undefined) this.onMessage(message);
    else request.onMessage(message);
  }

  // ---- streams ---------------------------------------------------------------------------------------------------

  async #follow(reply: EgressReply, controller: AbortController, onEnd: (lastEventId: string | null, retryMs: number | null) => void): Promise<void> {
    const seen: Seen = { lastEventId: null, retryMs: null };
    try {
      await this.#events(reply, (message) => this.onMessage(message), seen);
    } catch (thrown) {
      // Broken or garbled, it has ended all the same; the dialect decides about opening it again.
      this.#options.log.debug("a standing stream broke", { server: this.#options.spec.name, code: faultOf(thrown).code });
      reply.cancel();
    }
    this.#open.delete(controller);
    if (!this.#closed) onEnd(seen.lastEventId, seen.retryMs);
  }

  /** Reads a stream to its end; what was seen last is kept in `seen`, whichever way it ends. */
  async #events(reply: EgressReply, onMessage: (message: Message) => void, seen: Seen = { lastEventId: null, retryMs: null }): Promise<Seen> {
    const { clock, limits, spec } = this.#options;
    const noise = new Noise(clock, limits);
    let problem: string | null = null;
    const reader = createSseReader({
      bytesMax: limits.messageBytesMax,
      onEvent: ({ event, data, id, retryMs }) => {
        seen.lastEventId = id ?? seen.lastEventId;
        seen.retryMs = retryMs ?? seen.retryMs;
        if (data === "" || !isMessageEvent(event)) return;
        this.#pending.hear();
        eachMessage(data, limits, onMessage, (misfit) => {
          problem = misfit.detail;
        });
      },
      onProblem: (what) => {
        problem = what === "too-long" ? "an event is too long" : "an event is not UTF-8";
      },
    });
    for (let chunk = await reply.read(); chunk !== null; chunk = await reply.read()) {
      reader.feed(chunk);
      if (problem !== null) throw fault("BACKEND_GARBLED", { backend: spec.name, detail: problem });
      noise.chunk(chunk, 0);
      const pause = noise.pause();
      if (pause !== null) await pause;
    }
    reader.end();
    return seen;
  }

  async #turnSse(): Promise<boolean> {
    const { egress, limits, clock, spec, log } = this.#options;
    const controller = this.#controller();
    const channel = await openSse({
      controller,
      egress,
      limits,
      clock,
      log,
      url: this.#url,
      headers: this.#headers,
      login: this.login,
      backend: spec.name,
      onMessage: (message) => this.#onSse(message),
      onEnd: (reason) => {
        this.#pending.failAll(() => this.#gone(reason));
        this.#fall(reason);
      },
    });
    if (channel === null) this.#open.delete(controller);
    this.#sse = channel;
    return channel !== null;
  }

  #onSse(message: Message): void {
    this.#pending.hear();
    if (message.kind === "request" || message.kind === "notification") this.onMessage(message);
    else this.#pending.settle(Number(message.id ?? "0"), { status: 200, header: () => null, message, text: "" });
  }

  // ---- requests --------------------------------------------------------------------------------------------------

  #post(text: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<EgressReply> {
    return this.#authorized((authorization) => this.#options.egress.send(this.#sse?.endpoint ?? this.#url, this.#init("POST", headers, signal, authorization, text)));
  }

  #authorized(run: (authorization: string | null) => Promise<EgressReply>): Promise<EgressReply> {
    return withLogin(this.login, this.#options.spec.name, run);
  }

  #init(method: "GET" | "POST" | "DELETE", headers: Readonly<Record<string, string>>, signal: AbortSignal, authorization: string | null, body = ""): EgressInit {
    const all: Record<string, string> = { ...(method === "POST" ? this.#postHeaders : this.#headers) };
    // In lower case, so that the dialect's own headers replace configured ones of the same name.
    for (const name in headers) all[name.toLowerCase()] = headers[name] as string;
    if (authorization !== null) all["authorization"] = authorization;
    const init = { method, headers: all, body, signal, backend: this.#options.spec.name };
    return this.#tls === null ? init : { ...init, tls: this.#tls };
  }

  async #bounded(ms: number, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = this.#controller();
    let late = false;
    const timer = this.#options.clock.timer(ms, () => {
      late = true;
      controller.abort();
    });
    try {
      await run(controller.signal);
    } catch (thrown) {
      throw late ? fault("BACKEND_TIMEOUT", { backend: this.#options.spec.name, detail: `nothing within ${ms} ms`, data: { sent: true } }) : thrown;
    } finally {
      timer.cancel();
      this.#open.delete(controller);
    }
  }

  #controller(): AbortController {
    if (this.#closed) throw this.#gone("it is being disconnected", false);
    const controller = new AbortController();
    this.#open.add(controller);
    return controller;
  }

  #gone(detail: string, sent = true): Fault {
    return goneFault(this.#options.spec.name, detail, sent);
  }
}

interface Seen {
  lastEventId: string | null;
  retryMs: number | null;
}

const isMessageEvent = (event: string): boolean => event === "message" || event === "";

// A server that could not read a request answers without id; in the body of that very request it can mean no other.
const answers = (message: Message, id: number): boolean =>
  (message.kind === "result" || message.kind === "failure") && (message.id === null || Number(message.id) === id);

const replyOf = (reply: EgressReply, message: Message | null, text: string): WireReply => ({
  status: reply.status,
  header: (name) => reply.header(name),
  message,
  text,
});
