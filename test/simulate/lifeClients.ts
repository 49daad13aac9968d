/**
 * Clients of a simulated world: calls, over the hub's door or over a pipe, and standing watches. Each knows what it may
 * be told, and notes whatever else it is told.
 */
import { CancelSource } from "../../src/base/index.ts";
import type { BackendSpec, Config } from "../../src/config/index.ts";
import type { Pipe } from "../../src/era/index.ts";
import type { Outcome, Principal, Selection, Watching } from "../../src/protocol/index.ts";
import { callOf, operator } from "../fixtures/calls.ts";
import { textOf } from "../fixtures/stage.ts";
import { keyOf, type ServerLife, uriOf } from "./lifeServer.ts";
import { limits, runnableOf, type World } from "./lifeWorld.ts";

export const serverNames = ["a", "b", "c"] as const;
const localNames = ["f0", "f1", "read", "extra"] as const;
const everything: Selection = { server: null };
/** Sees what is tagged, and one server whatever it is tagged. */
export const guest: Principal = { id: "guest", scopes: ["tag:t", "server:a"] };

export const publicNames: readonly string[] = serverNames.flatMap((name) => [name, `p${name}`].flatMap((prefix) => localNames.map((local) => `${prefix}__${local}`)));
const prefixOf = (spec: BackendSpec): string => spec.prefix ?? spec.name;
const prefixAt = (config: Config, server: string): string => runnableOf(config, server)?.prefix ?? server;
const maySee = ({ scopes }: Principal, { name, tags }: BackendSpec): boolean => scopes === null || name === "a" || tags.includes("t");

export interface Asked {
  readonly number: number;
  readonly name: string;
  readonly principal: Principal;
  readonly isQuick: boolean;
  readonly beganAt: number;
  /** How many configurations had come into place. */
  readonly placed: number;
  /** The server that the name meant as it began; null: it meant nobody. */
  readonly meant: BackendSpec | null;
  readonly state: string | null;
  readonly requestMs: number;
  readonly arrivedAt: ServerLife[];
  readonly cancel: () => void;
  isCancelled: boolean;
  answers: string[];
}

export interface Standing {
  readonly principal: Principal;
  readonly selection: Selection;
  readonly watching: Watching;
  /** The tools that it saw when it was told last. */
  seen: string;
  readonly wishes: Map<string, "pending" | "subscribed" | "refused">;
  /** How often it heard of each resource. */
  readonly heard: Map<string, number>;
}

const outcomeText = (outcome: Outcome): string => (outcome.kind === "failed" ? `failed ${textOf(outcome)}` : textOf(outcome));

export class Clients {
  readonly asked: Asked[] = [];
  readonly standing: Standing[] = [];
  readonly #world: World;
  readonly #pipe: Pipe | null;
  #lists = 0;

  constructor(world: World, isPiped: boolean) {
    this.#world = world;
    world.onArrival = (life, number) => this.#arrived(life, number);
    this.#pipe = isPiped ? world.eras.stdio({ principal: operator, selection: everything, send: (line) => this.#received(line) }) : null;
  }

  get open(): Asked[] {
    return this.asked.filter(({ answers, isCancelled }) => answers.length === 0 && !isCancelled);
  }

  /** Lists that were asked for and are not there yet. */
  get openLists(): number {
    return this.#lists;
  }

  // ---- what is to be seen --------------------------------------------------------------------------------------

  /** All tools that somebody sees, as one text. */
  visible(principal: Principal, selection: Selection = everything): string {
    const names = selection.server === null ? publicNames : localNames;
    return names.map((name) => (this.#world.hub.tool(principal, selection, name) === null ? "" : name)).join();
  }

  /** Nobody sees what the configuration in place does not have. */
  look(): void {
    for (const principal of [operator, guest]) {
      for (const name of publicNames) if (this.#world.hub.tool(principal, everything, name) !== null && this.ownerOf(principal, name) === null) this.#world.wrong(`${principal.id} sees ${name}, which nobody has`);
    }
  }

  /** Who may be meant by a name, by the configuration in place. */
  ownerOf(principal: Principal, name: string): BackendSpec | null {
    return this.#ownerBy(this.#world.config, principal, name);
  }

  #ownerBy(config: Config, principal: Principal, name: string): BackendSpec | null {
    const [prefix, local] = name.split("__") as [string, string];
    const spec = runnableOf(config, prefix.replace("p", ""));
    if (spec === null || prefixOf(spec) !== prefix || spec.disabledTools.includes(local) || !maySee(principal, spec)) return null;
    return local.startsWith("f") && local !== `f${spec.fingerprint}` ? null : spec;
  }

  // ---- calls ---------------------------------------------------------------------------------------------------

  ask(name: string, principal: Principal, isQuick: boolean): void {
    const world = this.#world;
    const number = this.asked.length;
    const source = new CancelSource();
    const isPiped = this.#pipe !== null && principal === operator;
    const cancel = (): void => (isPiped ? this.#tell("notifications/cancelled", null, `"requestId":${number}`) : source.cancel("enough"));
    const one: Asked = { number, name, principal, isQuick, beganAt: world.clock.now(), placed: world.placed.length, ...this.#meaningOf(principal, name), arrivedAt: [], cancel, isCancelled: false, answers: [] };
    this.asked.push(one);
    world.count(one.meant === null ? "calls for nobody" : "calls");
    const params = `"name":"${name}","arguments":{"number":${number}}`;
    if (isPiped) this.#tell("tools/call", number, params);
    else void world.hub.call(callOf("tools/call", `{${params}}`, { principal, cancel: source, progress: true, notice: () => this.#noticed(one) })).then((outcome) => this.#answered(one, outcomeText(outcome)));
  }

  /** Asks for the tools; whatever starts or falls meanwhile, there is one answer, soon, with nothing that nobody has. */
  list(principal: Principal, selection: Selection): void {
    const world = this.#world;
    const askedAt = world.clock.now();
    const from = world.placed.length - 1;
    this.#lists += 1;
    void world.hub.call(callOf("tools/list", "{}", { principal, selection })).then((outcome) => {
      this.#lists -= 1;
      const text = outcomeText(outcome);
      world.count(outcome.kind === "failed" ? "lists refused" : "lists");
      if (outcome.kind === "failed") return this.#mayRefuseList(text, selection);
      // Before the first configuration is in place there is nothing to be asked for.
      const latest = Math.max(askedAt, world.placed[1]?.at ?? askedAt) + limits.listWaitMsMax;
      if (world.clock.now() > latest) world.wrong(`a list took ${world.clock.now() - latest} ms too long`);
      // One of the configurations since then gave it, and that one whole.
      const local = [...text.matchAll(/"name":"([^"]*)"/gu)].map(([, name = ""]) => name);
      const fits = (config: Config): boolean => local.every((name) => this.#ownerBy(config, principal, selection.server === null ? name : `${prefixAt(config, selection.server)}__${name}`) !== null);
      if (!world.placed.slice(from).some(({ config }) => fits(config))) world.wrong(`${principal.id} is shown ${local.join()} of ${selection.server ?? "all"}, which nobody has`);
    });
  }

  #mayRefuseList(text: string, { server }: Selection): void {
    const isGone = server !== null && text.includes('"code":"NAME_UNKNOWN"');
    const isHidden = server !== null && text.includes('"code":"SCOPE_MISSING"');
    if (!isGone && !isHidden && !text.includes('"code":"SHUTTING_DOWN"')) this.#world.wrong(`a list of ${server ?? "all"} failed without reason: ${text}`);
  }

  #meaningOf(principal: Principal, name: string): Pick<Asked, "meant" | "state" | "requestMs"> {
    const meant = this.#world.hub.tool(principal, everything, name) === null ? null : this.ownerOf(principal, name);
    if (meant === null) return { meant, state: null, requestMs: 0 };
    return { meant, state: this.#world.leases.get(keyOf(meant))?.status().state ?? null, requestMs: meant.requestMs };
  }

  cancel(one: Asked): void {
    one.isCancelled = true;
    one.cancel();
  }

  #tell(method: string, id: number | null, params: string): void {
    const meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}';
    this.#pipe?.receive(`{"jsonrpc":"2.0"${id === null ? "" : `,"id":${id}`},"method":"${method}","params":{${params},${meta}}}`);
  }

  #received(line: string): void {
    const message = JSON.parse(line) as { id?: number; result?: object; error?: object };
    const one = message.id === undefined ? undefined : this.asked[message.id];
    if (one === undefined) return;
    this.#world.count("answers over a pipe");
    this.#answered(one, message.error === undefined ? JSON.stringify(message.result) : `failed ${JSON.stringify(message.error)}`);
  }

  #noticed(one: Asked): void {
    this.#world.count("progress");
    if (one.answers.length > 0) this.#world.wrong(`call ${one.number} heard of progress after its answer`);
  }

  #arrived(life: ServerLife, number: number): boolean {
    const one = this.asked[number];
    if (one === undefined) return false;
    one.arrivedAt.push(life);
    if (one.arrivedAt.length > 1) this.#world.count("calls made again");
    if (one.arrivedAt.length > 1 && !one.name.endsWith("read")) this.#world.wrong(`call ${number} was made twice`);
    if (one.meant !== null && keyOf(one.meant) !== life.key) this.#world.wrong(`call ${number} for ${one.name} of ${keyOf(one.meant)} came to ${life.key}`);
    return one.isQuick;
  }

  #answered(one: Asked, text: string): void {
    const world = this.#world;
    one.answers.push(text);
    if (one.answers.length > 1) world.wrong(`call ${one.number} was answered twice`);
    const code = text.startsWith("failed ") ? (/"code":"([A-Z_]+)"/u.exec(text)?.[1] ?? "none") : null;
    if (code === null) this.#succeeded(one, text);
    else if (!this.#mayFail(one, code)) world.wrong(`call ${one.number} for ${one.name}, begun in state ${one.state}, failed without reason: ${text}`);
    if (code !== null) world.count(`failures ${code}`);
  }

  #succeeded(one: Asked, text: string): void {
    const world = this.#world;
    world.count("answers");
    const last = one.arrivedAt.at(-1);
    if (last === undefined || !text.includes(`"number":${one.number},"life":${last.id}`)) world.wrong(`call ${one.number} got another's answer: ${text}`);
    if (world.placed.length > one.placed) world.count("answers over a swap");
    const { troubled } = world;
    if (troubled.size >= 2 && last !== undefined && !troubled.has(last.spec.name)) world.count("answers beside two in trouble");
  }

  /** Each failure has its reason, and no other. */
  #mayFail(one: Asked, code: string): boolean {
    const ms = this.#world.clock.now() - one.beganAt;
    const reasons: Readonly<Record<string, () => boolean>> = {
      CALL_CANCELLED: () => one.isCancelled,
      SHUTTING_DOWN: () => this.#world.isEnding,
      NAME_UNKNOWN: () => one.meant === null,
      BACKEND_TIMEOUT: () => ms >= one.requestMs,
      BACKEND_BUSY: () => one.meant === null || ms >= one.requestMs,
    };
    return reasons[code]?.() ?? this.#mayBeGone(one);
  }

  #mayBeGone({ meant, placed, beganAt, state }: Asked): boolean {
    const { clock, endsAt } = this.#world;
    if (meant === null || clock.now() >= endsAt) return true;
    const replacedAt = this.#world.placed[placed]?.at ?? Number.POSITIVE_INFINITY;
    if (clock.now() - replacedAt >= limits.drainMsMax) this.#world.count("calls cut off at the end of a drain");
    const wasAway = state !== "ready" && state !== "idle";
    return wasAway || this.#world.wasInTrouble(keyOf(meant), beganAt) || clock.now() - replacedAt >= limits.drainMsMax;
  }

  // ---- watches -------------------------------------------------------------------------------------------------

  watch(principal: Principal, selection: Selection): void {
    const world = this.#world;
    const told = (): void => {
      const now = this.visible(principal, selection);
      world.count("notices");
      if (now === one.seen) world.wrong(`${principal.id} was told of a change of ${JSON.stringify(selection)} that is none`);
      one.seen = now;
    };
    const watching = world.hub.watch({ principal, selection, client: { info: null, capabilities: "{}" }, session: null, changed: (kind) => (kind === "tools" ? told() : undefined), updated: (uri) => this.#updated(one, uri) });
    const one: Standing = { principal, selection, watching, seen: this.visible(principal, selection), wishes: new Map(), heard: new Map() };
    this.standing.push(one);
  }

  #updated(one: Standing, uri: string): void {
    const { wishes, heard, principal } = one;
    const spec = runnableOf(this.#world.config, uri.slice(0, -"://x".length));
    this.#world.count("updates");
    heard.set(uri, (heard.get(uri) ?? 0) + 1);
    const isWished = wishes.get(uri) === "subscribed" || wishes.get(uri) === "pending";
    if (!isWished || spec === null || !maySee(principal, spec)) this.#world.wrong(`${principal.id} heard of ${uri}, which it did not ask for or may not see`);
  }

  /** Whether this one hears of that resource when it changes now. */
  isDue({ principal, selection, wishes }: Standing, uri: string): boolean {
    const spec = runnableOf(this.#world.config, uri.slice(0, -"://x".length));
    if (spec === null || spec.issue !== null || wishes.get(uri) !== "subscribed") return false;
    return (selection.server ?? spec.name) === spec.name && maySee(principal, spec);
  }

  subscribe(one: Standing, server: string): void {
    const uri = uriOf(server);
    if (one.wishes.has(uri) || server !== (one.selection.server ?? server)) return;
    one.wishes.set(uri, "pending");
    one.watching.subscribe(uri).then(
      (outcome) => this.#settled(one, uri, outcome === "subscribed"),
      () => this.#settled(one, uri, false),
    );
  }

  #settled({ wishes }: Standing, uri: string, isSubscribed: boolean): void {
    this.#world.count(isSubscribed ? "subscriptions" : "subscriptions refused");
    if (isSubscribed && wishes.has(uri)) wishes.set(uri, "subscribed");
    else if (!isSubscribed) wishes.delete(uri);
  }

  unsubscribe(one: Standing, uri: string): void {
    if (one.wishes.get(uri) !== "subscribed") return;
    one.wishes.delete(uri);
    void one.watching.unsubscribe(uri);
  }

  unwatch(one: Standing): void {
    one.wishes.clear();
    one.watching.end();
    this.standing.splice(this.standing.indexOf(one), 1);
  }
}
