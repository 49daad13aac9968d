/**
 * What one 2025 client is asked in the middle of its calls: real requests of ours on each call's own stream, answered by
 * the client's responses (2025-11-25, client/elicitation, client/sampling, client/roots). A question ends with its call,
 * and a client that stays silent has answered too, in time.
 */
import { type Clock, fault, type Limits } from "../base/index.ts";
import { type Answer, type Ask, type Client, elementsOf, emptyObject, type Failure, memberOf, notificationText, parseObject, quote, type Raw, type RawObject, rawOf, requestText, type Result, type RpcError, stringOf } from "../protocol/index.ts";
import { type Asker, type ClientCall, visitNotice } from "./clientCall.ts";
import { isRetryable } from "./methods.ts";
import { askerOf, legacyMissing, legacyParams, questionMethods, refusedAnswer, silentAnswer } from "./question.ts";
import { isBefore, type LegacyRevision, newestLegacy } from "./version.ts";

/** The session that asks, as far as it matters here. */
export interface Asked {
  readonly client: Client;
  readonly revision: LegacyRevision | null;
  /** Sends what belongs to no call. */
  announce(text: string): void;
}

/** One that waits for its answer. */
interface Open {
  settle(answer: Answer): void;
}

export class ClientQuestions implements Asker {
  readonly #asked: Asked;
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** By the id that we gave it. */
  readonly #open = new Map<Raw, Open>();
  /** Ids of visits to pages that this client knows of, oldest first. */
  readonly #visits = new Set<string>();
  #number = 0;

  constructor(asked: Asked, clock: Clock, limits: Limits) {
    this.#asked = asked;
    this.#clock = clock;
    this.#limits = limits;
  }

  ask(call: ClientCall, ask: Ask): Promise<Answer> {
    const { client, revision } = this.#asked;
    const { kind, params } = ask;
    const declared = parseObject(client.capabilities, this.#limits) ?? emptyObject;
    if (!isRetryable(call.method)) return Promise.resolve(refusedAnswer(kind, null, declared));
    const need = legacyMissing(kind, params ?? emptyObject, declared, revision ?? newestLegacy);
    if (need !== null) return Promise.resolve(refusedAnswer(kind, need, declared));
    const text = legacyParams(kind, params, askerOf(ask.backend, call.selection.server), revision ?? newestLegacy);
    if (text === "inexpressible") return Promise.resolve(silentAnswer(kind));
    if (this.#open.size >= this.#limits.questionsMax) return Promise.reject(fault("LIMIT_REACHED", { backend: ask.backend, detail: "limits.questionsMax" }));
    this.#noteVisit(text);
    return this.#send(call, ask, text);
  }

  visited(call: ClientCall, params: RawObject): void {
    const { revision } = this.#asked;
    if (revision === null || isBefore(revision, "2025-11-25") || !this.#visits.delete(stringOf(params, "elicitationId") ?? "")) return;
    const text = notificationText(visitNotice, rawOf(params));
    if (call.over) this.#asked.announce(text);
    else call.say(text);
  }

  /** Takes a response of the client. One that nobody waits for came too late. */
  answered(message: Result | Failure): void {
    const open = message.id === null ? undefined : this.#open.get(message.id);
    open?.settle(message.kind === "result" ? { ok: true, result: rawOf(message.result) } : { ok: false, error: message.error });
  }

  /** The client gets an error that sends it to pages: it may hear when it is done with them. */
  sentTo(error: RpcError): void {
    const data = error.data === null ? null : parseObject(error.data, this.#limits);
    for (const page of elementsOf((data && memberOf(data, "elicitations")) ?? "", this.#limits) ?? []) this.#noteVisit(page);
  }

  #noteVisit(params: Raw | null): void {
    const id = params?.includes('"elicitationId"') === true ? stringOf(parseObject(params, this.#limits) ?? emptyObject, "elicitationId") : null;
    if (id === null) return;
    this.#visits.add(id);
    if (this.#visits.size > this.#limits.elicitationsMax) for (const oldest of [...this.#visits].slice(0, 1)) this.#visits.delete(oldest);
  }

  #send(call: ClientCall, ask: Ask, params: Raw | null): Promise<Answer> {
    this.#number += 1;
    const id = String(this.#number);
    return new Promise((resolve, reject) => {
      const close = (): void => {
        this.#open.delete(id);
        timer.cancel();
        for (const unhook of hooks) unhook();
      };
      const takeBack = (reason: string): void => {
        close();
        call.say(notificationText("notifications/cancelled", `{"requestId":${id},"reason":${quote(reason)}}`));
      };
      const withdraw = (reason: string): void => {
        takeBack(reason);
        reject(fault("CALL_CANCELLED", { op: questionMethods[ask.kind] }));
      };
      const timer = this.#clock.timer(this.#limits.askMsMax, () => {
        takeBack("nobody answered in time");
        resolve(silentAnswer(ask.kind));
      });
      const settle = (answer: Answer): void => {
        close();
        resolve(answer);
      };
      const hooks: (() => void)[] = [];
      this.#open.set(id, { settle });
      call.say(requestText(id, questionMethods[ask.kind], params));
      hooks.push(call.ending.onCancel(withdraw), ask.cancel.onCancel(withdraw));
    });
  }
}
