/**
 * The life of one POST: its head stays open until the first message, so a single answer goes back as plain JSON with
 * its right status, and only a notice before it (or a long wait) opens a stream. What a vanished client means differs
 * by era, and is left to the two kinds of exchange.
 */
import { fault, type Fault } from "../base/index.ts";
import { errorText, type Raw, rpcErrorOf } from "../protocol/index.ts";
import type { Sink } from "./clientCall.ts";
import type { Heads, Waiting } from "./heads.ts";
import type { HttpIn, HttpOut } from "./types.ts";

/** Where messages go once a stream is open. */
export interface Channel {
  send(text: string): void;
  end(): void;
}

const jsonHeaders = Object.freeze({ "content-type": "application/json" });

/** A complete answer of JSON. */
export const jsonOut = (status: number, body: string, headers: Readonly<Record<string, string>> = jsonHeaders): HttpOut => ({ status, headers, body });

/** An answer without a body. */
export const emptyOut = (status: number): HttpOut => ({ status, headers: {}, body: null });

/** The response to a request, or to nothing in particular, that was refused. */
export const refusalText = (id: Raw | null, refused: Fault): string => errorText(id, rpcErrorOf(refused));

/** The whole HTTP answer to something that was refused before anything was streamed. */
export const refusalOut = (id: Raw | null, refused: Fault): HttpOut => jsonOut(refused.row.http, refusalText(id, refused));

export abstract class Exchange implements Sink, Waiting {
  /** What the HTTP request is answered with. */
  readonly out: Promise<HttpOut>;
  readonly #heads: Heads;
  readonly #request: Pick<HttpIn, "onGone">;
  #watched = false;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #id: Raw | null;
  #resolve: (out: HttpOut) => void = () => undefined;
  #state: "head" | "stream" | "over" = "head";
  #channel: Channel | null = null;
  /** A batch: how many answers are due, and those that came while the head was open. */
  #due: number;
  #answers: string[] | null;

  /** `id` is the request's; a batch has null and says how many answers are `due`. */
  constructor(heads: Heads, request: Pick<HttpIn, "onGone">, id: Raw | null, batch: number | null, headers: Readonly<Record<string, string>> = jsonHeaders) {
    this.#heads = heads;
    this.#request = request;
    this.#headers = headers;
    this.#id = id;
    this.#due = batch ?? 1;
    this.#answers = batch === null ? null : [];
    this.out = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    heads.enter(this);
  }

  /** Opens the stream and says with what to answer the HTTP request. */
  protected abstract open(): { readonly channel: Channel; readonly out: HttpOut };

  /** The client has gone before it was answered. */
  protected abstract gone(): void;

  watchClient(): void {
    if (this.#watched) return;
    this.#watched = true;
    this.#request.onGone(() => this.gone());
  }

  notice(text: string): void {
    if (this.#state === "head") this.openHead();
    if (this.#state === "stream") this.#channel?.send(text);
  }

  answer(status: number, text: string, scopes?: readonly string[]): void {
    if (this.#state === "over") return;
    this.#due -= 1;
    if (this.#state === "stream") this.#channel?.send(text);
    else if (this.#answers === null) return this.#plain(status, text, scopes);
    else this.#answers.push(text);
    if (this.#due === 0) this.#finish();
  }

  none(): void {
    if (this.#state === "over") return;
    this.#due -= 1;
    if (this.#due === 0) this.#finish();
  }

  openHead(): void {
    if (this.#state !== "head") return;
    this.#heads.leave(this);
    this.#state = "stream";
    const opened = this.open();
    this.#channel = opened.channel;
    this.#resolve(opened.out);
    for (const text of this.#answers ?? []) opened.channel.send(text);
    this.#answers = null;
    this.watchClient();
  }

  /** The program ends, and the answer has not come. */
  shutDown(): void {
    if (this.#state === "over") return;
    const refused = fault("SHUTTING_DOWN");
    if (this.#state === "head") this.#plain(refused.row.http, refusalText(this.#id, refused));
    else this.goodbye(refusalText(this.#id, refused));
  }

  /** Sends a last message on the open stream. */
  protected goodbye(text: string): void {
    this.#state = "over";
    this.#channel?.send(text);
    this.#channel?.end();
  }

  /**
   * Answers with nothing: by default because nobody is there, and then only so that the one who waits for the answer does
   * not wait for ever. False: everything had been answered before.
   */
  protected drop(status = 499): boolean {
    if (this.#state === "over") return false;
    this.#heads.leave(this);
    this.#state = "over";
    this.#resolve(emptyOut(status));
    this.#channel?.end();
    return true;
  }

  #finish(): void {
    const answers = this.#answers ?? [];
    if (this.#state === "stream") this.#channel?.end();
    else if (answers.length > 0) return this.#plain(200, `[${answers.join(",")}]`);
    else this.drop(202);
    this.#state = "over";
  }

  #plain(status: number, body: string, scopes?: readonly string[]): void {
    this.#heads.leave(this);
    this.#state = "over";
    this.#resolve(scopes === undefined ? { status, headers: this.#headers, body } : { status, headers: this.#headers, body, scopes });
  }
}
