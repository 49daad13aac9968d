/**
 * A call that stands for another one and differs from it in little: everything is the other's own, asked for when it is
 * asked for, since a call is a living thing (its client may go away, or be asked). Who differs overrides what differs.
 */
import type { Answer, Ask, Call, Notice, Raw, RawObject } from "../protocol/index.ts";

export class RelayedCall implements Call {
  /** The call that it stands for. */
  readonly origin: Call;

  constructor(origin: Call) {
    this.origin = origin;
  }

  get number() {
    return this.origin.number;
  }

  get callId() {
    return this.origin.callId;
  }

  get method() {
    return this.origin.method;
  }

  get params(): RawObject {
    return this.origin.params;
  }

  get meta(): Raw | null {
    return this.origin.meta;
  }

  get principal() {
    return this.origin.principal;
  }

  get selection() {
    return this.origin.selection;
  }

  get client() {
    return this.origin.client;
  }

  get progress() {
    return this.origin.progress;
  }

  get logLevel() {
    return this.origin.logLevel;
  }

  get cancel() {
    return this.origin.cancel;
  }

  get resume() {
    return this.origin.resume;
  }

  get session() {
    return this.origin.session;
  }

  get backend() {
    return this.origin.backend;
  }

  get away(): boolean {
    return this.origin.away === true;
  }

  paramHeaders(): Readonly<Record<string, string>> {
    return this.origin.paramHeaders();
  }

  notice(notice: Notice): void {
    this.origin.notice(notice);
  }

  ask(ask: Ask): Promise<Answer> {
    return this.origin.ask(ask);
  }
}
