/**
 * Servers that are played in memory, under the real pool and the real dialects: each life of one is a link that starts
 * well, slowly, badly or not at all, crashes, hangs, and answers when the simulation says so. What must never be done to
 * a link is noted by whoever watches it.
 */
import { goneFault } from "../../src/backend/gone.ts";
import type { Link } from "../../src/backend/link.ts";
import { Pending } from "../../src/backend/pending.ts";
import { type Clock, defaultLimits, fault, type Timer } from "../../src/base/index.ts";
import type { BackendSpec } from "../../src/config/index.ts";
import type { WireReply, WireRequest } from "../../src/era/index.ts";
import { type Message, parseMessage, resultText } from "../../src/protocol/index.ts";

/** How a life begins: at once; late; not at all; it dies at the first word; it says nothing. */
export type Manner = "quick" | "slow" | "failing" | "rude" | "mute";

/** A call that a life has, and has not answered. */
export interface Held {
  readonly id: number;
  readonly number: number;
}

/** Who looks on. */
export interface Onlooker {
  readonly clock: Clock;
  /** How the next life of this entry begins, and how long it takes for that. */
  mannerOf(spec: BackendSpec): { readonly manner: Manner; readonly ms: number };
  /** For how long a life that begins now agrees to no subscription. */
  shyMsOf(): number;
  /** A call has come to this life; true: it is to be answered at once. */
  arrived(life: ServerLife, number: number): boolean;
  /** It is ended while it was of use. */
  ended(life: ServerLife): void;
  /** Its calls suffer from now on. */
  harm(life: ServerLife): void;
  wrong(what: string): void;
}

/** Entries of one key mean the same process. */
export const keyOf = ({ name, fingerprint, issue }: Pick<BackendSpec, "name" | "fingerprint" | "issue">): string => `${name}#${fingerprint}${issue === null ? "" : "!"}`;
/** A scheme for each: nobody else may be asked for it. */
export const uriOf = (name: string): string => `${name}://x`;

const buryMs = 20;
const ack = "notifications/subscriptions/acknowledged";
const tag = (id: number | string): string => `"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}`;
const capabilities = '{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true}}';

const messageOf = (text: string): Message => {
  const parsed = parseMessage(text, defaultLimits);
  if (!parsed.ok) throw new Error(`not a message: ${text}`);
  return parsed.message;
};
/** The first member of this name, as text without quotes. */
function memberOf(text: string, name: string): string | null {
  const at = text.indexOf(`"${name}":`);
  return at < 0 ? null : (/^"?([^",}]*)/u.exec(text.slice(at + name.length + 3, at + name.length + 60))?.[1] ?? null);
}
const toolText = (name: string, more = ""): string => `{"name":"${name}","inputSchema":{"type":"object"}${more}}`;
const none = (): null => null;

/** What it says to each method. */
const results: Readonly<Record<string, (spec: BackendSpec, hasExtra: boolean) => string>> = {
  "tools/list": ({ fingerprint }, hasExtra) => `"tools":[${toolText(`f${fingerprint}`)},${toolText("read", ',"annotations":{"readOnlyHint":true}')}${hasExtra ? `,${toolText("extra")}` : ""}]`,
  "resources/list": ({ name }) => `"resources":[{"uri":"${uriOf(name)}","name":"x"}]`,
  "resources/templates/list": () => '"resourceTemplates":[]',
  initialize: ({ name }) => `"protocolVersion":"2025-11-25","capabilities":${capabilities},"serverInfo":{"name":"${name}","version":"1"}`,
  "server/discover": ({ name }) => `"supportedVersions":["2026-07-28"],"capabilities":${capabilities},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"${name}","version":"1"}}`,
};

export class ServerLife implements Link {
  readonly transport = "stdio";
  readonly id: number;
  readonly spec: BackendSpec;
  readonly key: string;
  readonly manner: Manner;
  readonly bornAt: number;
  readonly held = new Map<number, Held>();
  /** Resources that somebody wants to hear of. */
  readonly told = new Map<string, number | null>();
  onMessage: (message: Message) => void = () => undefined;
  onDown: (reason: string) => void = () => undefined;
  onLate: () => void = () => undefined;
  isOpen = false;
  isClosed = false;
  isHung = false;
  /** It has failed in whatever way: what happens to it then is its own fault. */
  isSpoilt = false;
  /** Nobody has a lease on it any more. */
  isReleased = false;
  /** It has one more tool than at its start. */
  hasExtra = false;
  usedAt: number;
  #isBegun = false;
  #fallen: string | null = null;
  #listening: number | null = null;
  readonly #delayMs: number;
  readonly #shyUntil: number;
  readonly #timers = new Set<Timer>();
  readonly #onlooker: Onlooker;
  readonly #pending: Pending<WireReply>;

  constructor(id: number, spec: BackendSpec, onlooker: Onlooker) {
    const { manner, ms } = onlooker.mannerOf(spec);
    this.id = id;
    this.spec = spec;
    this.key = keyOf(spec);
    this.manner = manner;
    this.#delayMs = ms;
    this.#onlooker = onlooker;
    this.bornAt = onlooker.clock.now();
    this.usedAt = this.bornAt;
    this.#shyUntil = this.bornAt + onlooker.shyMsOf();
    this.#pending = new Pending({ clock: onlooker.clock, pendingMax: 1024, backend: spec.name, late: () => this.onLate() });
  }

  /** It can be talked to. */
  get isLive(): boolean {
    return this.isOpen && !this.isClosed && this.#fallen === null;
  }

  get pid(): number | null {
    return this.isLive ? this.id + 2 : null;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  get fallen(): string | null {
    return this.#fallen;
  }

  get heard(): number {
    return this.#pending.heard;
  }

  stderr(): readonly string[] {
    return [];
  }

  async open(): Promise<void> {
    if (this.isOpen || this.isClosed) this.#onlooker.wrong(`life ${this.id} was opened twice, or after its end`);
    if (this.manner === "failing") throw fault("BACKEND_COMMAND", { backend: this.spec.name, detail: "no such command" });
    this.isOpen = true;
  }

  nextId(): number {
    return this.#pending.nextId();
  }

  request({ id, text, timeoutMs, standing }: WireRequest): Promise<WireReply> {
    if (!this.isLive) return Promise.reject(goneFault(this.spec.name, "it is not running", false));
    const answer = this.#pending.open(id, timeoutMs, () => void this.held.delete(id), standing);
    if (!this.isHung) this.#take(id, memberOf(text, "method") ?? "", text);
    return answer;
  }

  async send(text: string): Promise<void> {
    if (!this.isLive) throw goneFault(this.spec.name, "it is not running", false);
    const ended = text.includes('"notifications/cancelled"') ? Number(memberOf(text, "requestId")) : null;
    for (const [uri, listening] of this.told) if (listening !== null && listening === ended) this.told.delete(uri);
  }

  abandon(id: number): void {
    this.#pending.abandon(id);
  }

  postpone(id: number, ms: number): void {
    this.#pending.postpone(id, ms);
  }

  giveUp(reason: string): void {
    if (!this.isHung) this.#onlooker.wrong(`life ${this.id} was given up though it answers`);
    this.#onlooker.harm(this);
    this.#fall(reason);
  }

  async close(): Promise<void> {
    if (!this.isClosed) {
      if (this.isLive) this.#onlooker.ended(this);
      this.isClosed = true;
      this.#end("it is being stopped");
    }
    await new Promise<void>((resolve) => void this.#onlooker.clock.timer(buryMs, resolve));
  }

  // ---- what the simulation does --------------------------------------------------------------------------------

  crash(): void {
    this.isSpoilt = true;
    this.#fall("it crashed");
  }

  /** From now on it takes everything and says nothing. */
  hang(): void {
    this.isSpoilt = true;
    this.isHung = true;
  }

  finish({ id, number }: Held): void {
    this.usedAt = this.#onlooker.clock.now();
    this.#answer(id, `"content":[],"number":${number},"life":${this.id}`);
  }

  progress({ id }: Held): void {
    this.#say("notifications/progress", `"progressToken":${id},"progress":${this.heard}`);
  }

  changeTools(): void {
    this.hasExtra = !this.hasExtra;
    this.#say("notifications/tools/list_changed", this.#listening === null ? "" : tag(this.#listening));
  }

  update(uri: string): void {
    const listening = this.told.get(uri);
    if (listening !== undefined) this.#say("notifications/resources/updated", `"uri":"${uri}"${listening === null ? "" : `,${tag(listening)}`}`);
  }

  /** It takes a standing subscription down, by itself: the one for its lists or one for resources. */
  tearDown(): boolean {
    const ids = [this.#listening, ...this.told.values()].filter((id) => id !== null);
    for (const [uri, listening] of this.told) if (listening !== null) this.told.delete(uri);
    this.#listening = null;
    for (const id of ids) this.#say("notifications/cancelled", `"requestId":${id}`);
    return ids.length > 0;
  }

  get #isShy(): boolean {
    return this.#onlooker.clock.now() < this.#shyUntil;
  }

  // ---- what it does --------------------------------------------------------------------------------------------

  #take(id: number, method: string, text: string): void {
    if (method === "tools/call") return this.#called(id, Number(memberOf(text, "number")));
    const begin = (): void => {
      this.#isBegun = true;
      this.#serve(id, method, text);
    };
    if (this.#isBegun || this.manner === "quick") begin();
    else if (this.manner === "rude") this.#fall("it ended with exit code 1");
    else if (this.manner === "slow") this.#later(this.#delayMs, begin);
  }

  #called(id: number, number: number): void {
    const held = { id, number };
    this.held.set(id, held);
    this.usedAt = this.#onlooker.clock.now();
    if (this.#onlooker.arrived(this, number)) this.finish(held);
  }

  #serve(id: number, method: string, text: string): void {
    const own = uriOf(this.spec.name);
    if (method === "subscriptions/listen") return this.#listen(id, text);
    if (method === "resources/subscribe") {
      if (this.#isShy || memberOf(text, "uri") !== own) return this.#refuse(id);
      this.told.set(own, null);
    }
    if (method === "resources/unsubscribe") this.told.delete(own);
    this.#answer(id, results[method]?.(this.spec, this.hasExtra) ?? "");
  }

  /** The newer era: one request stands for the lists, or for a set of resources. */
  #listen(id: number, text: string): void {
    const uris = /"resourceSubscriptions":\[([^\]]*)\]/u.exec(text)?.[1];
    const own = uriOf(this.spec.name);
    const isOurs = uris?.includes(`"${own}"`) === true && !this.#isShy;
    if (uris === undefined) this.#listening = id;
    else if (isOurs) this.told.set(own, id);
    const filter = uris === undefined ? '"toolsListChanged":true,"resourcesListChanged":true' : `"resourceSubscriptions":[${isOurs ? `"${own}"` : ""}]`;
    // No pipe is so quick that the answer is there before the request is sent.
    queueMicrotask(() => this.#say(ack, `"notifications":{${filter}},${tag(id)}`));
  }

  #answer(id: number, members: string): void {
    if (!this.isLive || this.isHung) return;
    this.held.delete(id);
    this.#pending.hear();
    const typed = this.spec.era === "modern" ? `"resultType":"complete","ttlMs":0,"cacheScope":"private"${members === "" ? "" : ","}` : "";
    this.#pending.settle(id, { status: 200, header: none, text: "", message: messageOf(resultText(String(id), `{${typed}${members}}`)) });
  }

  #refuse(id: number): void {
    if (!this.isLive || this.isHung) return;
    this.#pending.hear();
    this.#pending.settle(id, { status: 200, header: none, text: "", message: messageOf(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32002,"message":"no such resource"}}`) });
  }

  #say(method: string, params: string): void {
    if (!this.isLive || this.isHung) return;
    this.#pending.hear();
    this.onMessage(messageOf(`{"jsonrpc":"2.0","method":"${method}","params":{${params}}}`));
  }

  #later(ms: number, run: () => void): void {
    const timer = this.#onlooker.clock.timer(ms, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #fall(reason: string): void {
    if (!this.isLive) return;
    this.#end(reason);
    this.onDown(reason);
  }

  #end(reason: string): void {
    this.#fallen ??= reason;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#pending.failAll(() => goneFault(this.spec.name, reason, true));
    this.held.clear();
    this.told.clear();
  }
}
