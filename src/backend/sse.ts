/**
 * The older transport of two halves (basic/transports: HTTP with SSE): a stream by GET on which everything
 * comes, and a URL, named by the stream's first event, to which everything is posted.
 */
import type { RemoteLogin } from "../auth/index.ts";
import { type Clock, type Egress, type EgressReply, fault, faultOf, type Limits, type Log } from "../base/index.ts";
import { createSseReader, type Message } from "../protocol/index.ts";
import { isSse } from "./answer.ts";
import { withLogin } from "./authorized.ts";
import { eachMessage } from "./incoming.ts";
import { Noise } from "./noise.ts";

export interface SseOptions {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly url: string;
  /** The configured headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What it is opened with; see HttpOptions. */
  readonly login: RemoteLogin | null;
  readonly backend: string;
  /** Ends it, also while it is being opened. */
  readonly controller: AbortController;
  onMessage(message: Message): void;
  /** The stream ended though nobody closed it. */
  onEnd(reason: string): void;
}

export interface SseChannel {
  /** Where messages are posted to. */
  readonly endpoint: string;
  close(): void;
}

/** Opens the stream and waits for its endpoint; null when the URL does not speak this transport. Throws BACKEND_DOWN, BACKEND_GONE. */
export async function openSse(options: SseOptions): Promise<SseChannel | null> {
  const { controller } = options;
  const timer = options.clock.timer(options.limits.probeMsMax, () => controller.abort());
  try {
    return await opened(options, controller);
  } catch (thrown) {
    // Silence until we gave up is an answer too.
    if (controller.signal.aborted) return null;
    throw thrown;
  } finally {
    timer.cancel();
  }
}

async function opened(options: SseOptions, controller: AbortController): Promise<SseChannel | null> {
  const { egress, url, headers, backend, login } = options;
  const initOf = (authorization: string | null) => ({ method: "GET", headers: { ...headers, accept: "text/event-stream", ...(authorization === null ? {} : { authorization }) }, signal: controller.signal, backend }) as const;
  const reply = await withLogin(login, backend, (authorization) => egress.openStream(url, initOf(authorization)));
  if (reply.status !== 200 || !isSse(reply)) {
    reply.cancel();
    return null;
  }
  const stream = new EventStream(options, reply, controller);
  const endpoint = await stream.endpoint();
  return endpoint === null ? null : { endpoint, close: () => stream.close() };
}

/** What stands around the data of an event, about. */
const framing = 32;

class EventStream {
  readonly #options: SseOptions;
  readonly #reply: EgressReply;
  readonly #controller: AbortController;
  readonly #endpoint = Promise.withResolvers<string | null>();
  #named = false;
  /** Bytes of answers in what was read last. */
  #answered = 0;
  #problem: string | null = null;
  #closed = false;

  constructor(options: SseOptions, reply: EgressReply, controller: AbortController) {
    this.#options = options;
    this.#reply = reply;
    this.#controller = controller;
    void this.#read();
  }

  endpoint(): Promise<string | null> {
    return this.#endpoint.promise;
  }

  close(): void {
    this.#closed = true;
    this.#controller.abort();
  }

  async #read(): Promise<void> {
    const noise = new Noise(this.#options.clock, this.#options.limits);
    let reason = "its event stream ended";
    try {
      const reader = createSseReader({
        bytesMax: this.#options.limits.messageBytesMax,
        onEvent: ({ event, data }) => this.#event(event, data),
        onProblem: (what) => {
          this.#problem = what === "too-long" ? "an event is too long" : "an event is not UTF-8";
        },
      });
      for (let chunk = await this.#reply.read(); chunk !== null; chunk = await this.#reply.read()) {
        reader.feed(chunk);
        if (this.#problem !== null) throw fault("BACKEND_GARBLED", { backend: this.#options.backend, detail: this.#problem });
        noise.chunk(chunk, this.#answered);
        this.#answered = 0;
        const pause = noise.pause();
        if (pause !== null) await pause;
      }
    } catch (thrown) {
      reason = faultOf(thrown).message;
    }
    this.#over(reason);
  }

  #over(reason: string): void {
    const silent = this.#closed || !this.#named;
    this.close();
    this.#endpoint.resolve(null);
    if (!silent) this.#options.onEnd(reason);
  }

  #event(event: string, data: string): void {
    if (event === "endpoint") this.#name(data);
    else if (event === "message" || event === "") {
      let isAnswer = false;
      const take = (message: Message): void => {
        isAnswer ||= message.kind === "result" || message.kind === "failure";
        this.#options.onMessage(message);
      };
      eachMessage(data, this.#options.limits, take, () => this.#misfit());
      if (isAnswer) this.#answered += Buffer.byteLength(data) + framing;
    }
  }

  // Configured credentials go to the endpoint, so it must be where the operator sent us.
  #name(data: string): void {
    if (this.#named) return;
    const endpoint = URL.parse(data, this.#options.url);
    if (endpoint === null || endpoint.origin !== new URL(this.#options.url).origin) {
      this.#problem = "its endpoint is on another origin";
      return;
    }
    this.#named = true;
    this.#endpoint.resolve(endpoint.href);
  }

  #misfit(): void {
    this.#options.log.info("the event stream holds an event that is not a message, which is skipped", { server: this.#options.backend });
  }
}
