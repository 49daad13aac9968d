/**
 * What one 2025 client is asked in the middle of its calls: real requests of ours on each call's own stream, answered by
 * the client's responses (2025-11-25, client/elicitation, client/sampling, client/roots). A question ends with its call,
 * and a client that stays silent has answered too, in time.
 */
import { type Clock, fault, type Limits } from "../base/index.ts";
import { type Answer, type Ask, type Client, elementsOf, emptyObject, type Failure, type LogLevel, logLevels, memberOf, type Notice, notificationText, parseObject, quote, type Raw, type RawObject, rawOf, requestText, type Result, type RpcError, type SessionTie, stringOf } from "../protocol/index.ts";
import { type Asker, type ClientCall, isCoreNotice, visitNotice } from "./clientCall.ts";
import { isRetryable } from "./methods.ts";
import { askerOf, legacyMissing, legacyParams, questionMethods, refusedAnswer, silentAnswer } from "./question.ts";
import { isBefore, type LegacyRevision, newestLegacy } from "./version.ts";
import { visitIdOf } from "./visits.ts";

/** The session that asks, as far as it matters here. */
export interface Asked {
  readonly client: Client;
  readonly revision: LegacyRevision | null;
  readonly server: string | null;
  readonly tie: Pick<SessionTie, "ended">;
  /** Somebody reads what belongs to no call. */
  readonly listens: boolean;
  /** From which level on its client wants log lines. */
  readonly logLevel: LogLevel;
  /** Sends what belongs to no call. */
  announce(text: string): void;
}

/** What a question goes out on, and ends with. */
type Carrier = Pick<ClientCall, "say" | "ending">;

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
    return isRetryable(call.method) ? this.#askOn(call, ask) : Promise.resolve(refusedAnswer(ask.kind, null, this.#declared()));
  }

  /** Asks what belongs to no call. Throws ASK_REFUSED where nobody reads what does not, LIMIT_REACHED, CALL_CANCELLED. */
  askBeside(ask: Ask): Promise<Answer> {
    const asked = this.#asked;
    if (!asked.listens) return Promise.reject(fault("ASK_REFUSED", { backend: ask.backend, detail: "the client has no stream open beside its calls" }));
    return this.#askOn({ say: (text) => asked.announce(text), ending: asked.tie.ended }, ask);
  }

  #declared(): RawObject {
    return parseObject(this.#asked.client.capabilities, this.#limits) ?? emptyObject;
  }

  #askOn(carrier: Carrier, ask: Ask): Promise<Answer> {
    const { server } = this.#asked;
    const revision = this.#asked.revision ?? newestLegacy;
    const { kind, params } = ask;
    const declared = this.#declared();
    const need = legacyMissing(kind, params ?? emptyObject, declared, revision);
    if (need !== null) return Promise.resolve(refusedAnswer(kind, need, declared));
    const text = legacyParams(kind, params, askerOf(ask.backend, server), revision);
    if (text === "inexpressible") return Promise.resolve(silentAnswer(kind));
    if (this.#open.size >= this.#limits.questionsMax) return Promise.reject(fault("LIMIT_REACHED", { backend: ask.backend, detail: "limits.questionsMax" }));
    this.#noteVisit(text);
    return this.#send(carrier, ask, text);
  }

  visited(call: ClientCall, params: RawObject): void {
    this.#tellVisited(params, (text) => (call.over ? this.#asked.announce(text) : call.say(text)));
  }

  /** Takes a notice that belongs to no call: the end of a visit, a log line, or what only an extension knows. */
  noticeBeside(notice: Notice): boolean {
    const { listens, logLevel } = this.#asked;
    if (notice.kind === "progress") return false;
    if (notice.kind === "other") return this.#otherBeside(notice.method, notice.params);
    if (listens && logLevels.indexOf(notice.level) >= logLevels.indexOf(logLevel)) this.#asked.announce(notificationText("notifications/message", rawOf(notice.params)));
    return listens;
  }

  #otherBeside(method: string, params: RawObject | null): boolean {
    const asked = this.#asked;
    if (method === visitNotice) this.#tellVisited(params ?? emptyObject, (text) => asked.announce(text));
    else if (isCoreNotice(method) || !asked.listens) return false;
    else asked.announce(notificationText(method, params === null ? null : rawOf(params)));
    return true;
  }

  #tellVisited(params: RawObject, tell: (text: string) => void): void {
    const { revision } = this.#asked;
    if (revision === null || isBefore(revision, "2025-11-25") || !this.#visits.delete(stringOf(params, "elicitationId") ?? "")) return;
    tell(notificationText(visitNotice, rawOf(params)));
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
    const id = params?.includes('"elicitationId"') === true ? visitIdOf(parseObject(params, this.#limits) ?? emptyObject, this.#limits) : null;
    if (id === null) return;
    this.#visits.add(id);
    if (this.#visits.size > this.#limits.elicitationsMax) for (const oldest of [...this.#visits].slice(0, 1)) this.#visits.delete(oldest);
  }

  #send(carrier: Carrier, ask: Ask, params: Raw | null): Promise<Answer> {
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
        carrier.say(notificationText("notifications/cancelled", `{"requestId":${id},"reason":${quote(reason)}}`));
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
      carrier.say(requestText(id, questionMethods[ask.kind], params));
      hooks.push(carrier.ending.onCancel(withdraw), ask.cancel.onCancel(withdraw));
    });
  }
}
