/**
 * The running proxy: one private pointer to the current snapshot, and one writer of it. A call pins the snapshot that
 * it finds and keeps it to its end. Whatever changes the world (a configuration, a crash, a changed list) comes to the
 * same place: a new frozen snapshot and one assignment, then notices to those who can see the difference.
 */
import type { BackendStatus, Lease, Pool, PoolEvents, Sharer } from "../backend/index.ts";
import { type Audit, type Cancel, type Clock, createMeter, defaultLimits, fault, type Log, type Meter, nullAudit, singleFlight } from "../base/index.ts";
import { type AskedTool, capabilitiesOf, type Definitions, definitionsOf, type Explained, explainTool, grantableOf, type GrantableScope, instructionsOf, routeOf, type SelectedServer, selectedServers, type ToolFacts, toolsOf } from "../catalog/index.ts";
import type { BackendSpec, Config, Issue } from "../config/index.ts";
import { type Call, type Description, emptyObject, type Outcome, type Principal, quote, type Raw, type RawObject, type Selection, type Watch, type Watching } from "../protocol/index.ts";
import { changeOf, fateOf, namesOf } from "./change.ts";
import { OwnExtensions } from "./extensions.ts";
import { awayFault, Failures } from "./failures.ts";
import { Generation } from "./generation.ts";
import { HubMetrics } from "./metrics.ts";
import { ProblemLog } from "./problems.ts";
import { isList, rowOf, type Scene, scopeFault, type Unknown } from "./serve.ts";
import { Owners } from "./owners.ts";
import type { Known, Memory } from "./remember.ts";
import { InventoryMemo, Snapshot } from "./snapshot.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Trail } from "./trail.ts";
import type { Review, Trust } from "./trust.ts";
import type { Change, Hub, HubStatus } from "./types.ts";
import { Watchers } from "./watchers.ts";

export interface HubOptions {
  /** Makes the pool, handing it where to report. */
  readonly createPool: (events: PoolEvents) => Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: { readonly name: string; readonly version: string };
  /** Authenticates cursors; kept across restarts so that cursors are too. */
  readonly cursorKey: Uint8Array;
  /** Keeps what servers offered from one life of this program to the next; null: nothing does. */
  readonly memory?: Memory | null;
  /** Where it counts; null: nobody reads it. */
  readonly meter?: Meter | null;
  /** Where decisions are written down, and whether each tool call is; absent: nowhere. */
  readonly audit?: Audit;
  readonly auditCalls?: boolean;
  /** Who knows what servers defined when they were trusted; absent: everything is trusted. */
  readonly trust?: Trust | null;
  /** What runs until the first `propose`: no servers. */
  readonly empty: Config;
}

/** Builds the hub; nothing runs before the first `propose`. */
export const createHub = (options: HubOptions): Hub => new RunningHub(options);

class RunningHub implements Hub {
  readonly #options: HubOptions;
  readonly #pool: Pool;
  readonly #watchers: Watchers;
  readonly #subscriptions: Subscriptions;
  readonly #owners = new Owners();
  readonly #extensions = new OwnExtensions();
  readonly #inventories: InventoryMemo;
  readonly #failures: Failures;
  readonly #metrics: HubMetrics;
  readonly #problems: ProblemLog;
  readonly #trail: Trail;
  readonly #generations = new Set<Generation>();
  #current: Snapshot;
  #config: HubStatus["config"];
  #change: Change = { added: [], removed: [], changed: [], kept: [] };
  /** Since when the configuration that runs is in place; a verdict on a newer one changes nothing of it. */
  #placedAt: number;
  /** Until then a list waits for servers that start for the first time. */
  #settleBy = 0;
  /** Fulfilled when the first configuration is in place, or none will be; null from then on. */
  #beginning: PromiseWithResolvers<void> | null = Promise.withResolvers();
  /** A backend reported a change that `#current` does not show yet. */
  #stale = false;
  /** Proposals and refusals so far: only the newest of them all decides what the status says of the file. */
  #verdicts = 0;
  /** How often each server has been begun anew. */
  readonly #lives = new Map<string, number>();
  /** The newest configuration that was proposed. */
  #proposed: Proposal;
  readonly #adoptSoon = singleFlight(() => this.#adopt(this.#proposed));
  /** Set from the moment that no new call is taken. */
  #draining: Promise<void> | null = null;
  /** Running calls may still come to their end by themselves. */
  #isWaiting = false;
  #closing: Promise<void> | null = null;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#watchers = new Watchers(options.clock);
    this.#metrics = new HubMetrics(options.meter ?? createMeter(defaultLimits), () => this.status());
    this.#failures = new Failures(options.log, () => this.#draining !== null);
    this.#inventories = new InventoryMemo(options.trust ?? null);
    this.#problems = new ProblemLog(options.log, options.audit ?? nullAudit);
    this.#trail = new Trail(options.audit ?? nullAudit, options.auditCalls ?? true);
    this.#subscriptions = new Subscriptions({ clock: options.clock, now: () => this.#now(), learned: ({ id }, uri) => this.#owners.of(id, uri), named: (watch, backend, params) => this.#learnBeside(watch, backend, params), as: (watch, backend) => this.#sharerOf(watch, backend), settled: (watch) => this.#settledFor(watch) }, options.log);
    this.#pool = options.createPool({ changed: (name) => this.#noticeChange(name), updated: (name, uri, params, concerns) => this.#subscriptions.deliver(name, uri, params, concerns) });
    this.#current = new Snapshot(0, new Generation(options.empty, this.#pool), this.#inventories);
    this.#proposed = { config: options.empty, verdict: 0 };
    this.#placedAt = options.clock.now();
    this.#config = { state: "valid", at: this.#placedAt, issues: [], path: options.empty.path };
  }

  call(call: Call): Promise<Outcome> {
    // Whoever is that early must not hear that there is nothing here.
    if (this.#beginning !== null) return this.#beginning.promise.then(() => this.call(call));
    const begunMs = this.#metrics.begin();
    if (this.#draining !== null) return Promise.resolve(this.#ended(call, null, this.#failures.told(fault("SHUTTING_DOWN"), call), begunMs, false));
    const waiting = isList(call.method) ? this.#startingFor(call) : nobody;
    return waiting.length === 0 ? this.#run(call, true, begunMs) : this.#settle(waiting, call.cancel).then(() => this.#run(call, false, begunMs));
  }

  #ended(call: Call, server: string | null, outcome: Outcome, begunMs: number, isSearched: boolean): Outcome {
    return this.#trail.ended(call, server, this.#metrics.ended(call, server, outcome, begunMs, this.#options.clock.now()), isSearched);
  }

  async #run(call: Call, mayWait: boolean, begunMs: number): Promise<Outcome> {
    const snapshot = this.#now();
    const { generation } = snapshot;
    generation.pin();
    const row = rowOf(call.method);
    const scene = this.#sceneOf(snapshot, call);
    const isSearched = scene.view.finder !== null;
    try {
      const outcome = await row(scene, call);
      if (outcome.kind === "done" && scene.asked !== null) this.#owners.learn(call, scene.asked, outcome.result, snapshot.limits);
      if (outcome.kind !== "unknown") return this.#trail.ended(call, scene.asked, this.#metrics.ended(call, scene.asked, outcome, begunMs, scene.now), isSearched);
      if (mayWait && (await this.#worldChanges(snapshot, call, outcome))) return await this.#run(call, false, begunMs);
      return this.#ended(call, null, this.#unknownTo(snapshot, call, outcome), begunMs, isSearched);
    } catch (thrown) {
      return this.#ended(call, scene.asked, await this.#failures.handled(row, scene, call, thrown), begunMs, isSearched);
    } finally {
      generation.unpin();
      if (this.#isWaiting) this.#pool.endIdle();
    }
  }

  /**
   * Whether another look is worth it: a server that may own the name has come up by now. Who asks for a name of one
   * server waits for that server as long as its start may take; who asks for a URI waits no longer than a list does.
   */
  async #worldChanges(seen: Snapshot, call: Call, { name }: Unknown): Promise<boolean> {
    if (name === null) await this.#settle(this.#startingFor(call), call.cancel);
    else await Promise.all(seen.absentOwners(seen.view(call.principal, call.selection, call), name).map((lease) => lease.settled(lease.spec.connectMs, call.cancel)));
    if (call.cancel.cancelled) throw fault("CALL_CANCELLED", { op: call.method });
    return this.#now() !== seen;
  }

  /** Not "there is no such name" while the server that would know is away. */
  #unknownTo(snapshot: Snapshot, call: Call, { name, outcome }: Unknown): Outcome {
    const [absent] = name === null ? nobody : snapshot.absentOwners(snapshot.view(call.principal, call.selection, call), name);
    if (absent === undefined) return this.#refusedTo(snapshot, call) ?? outcome;
    // It was still coming up, and is not awaited any more.
    if (this.#draining !== null) return this.#failures.told(fault("SHUTTING_DOWN"), call);
    const { state, reason } = absent.status();
    return this.#failures.told(awayFault(absent.spec.name, call.method, reason ?? `it is ${state}`), call);
  }

  /** Not "there is no such name" either, where all that is missing is a scope. */
  #refusedTo(snapshot: Snapshot, call: Call): Outcome | null {
    const refused = scopeFault(snapshot, call);
    return refused === null ? null : this.#failures.told(refused, call);
  }

  #sceneOf(snapshot: Snapshot, call: Call): Scene {
    const view = snapshot.view(call.principal, call.selection, call);
    return { snapshot, view, cursorKey: this.#options.cursorKey, now: this.#options.clock.now(), owners: this.#owners, extensions: this.#extensions, asked: null, tool: null };
  }

  /** Servers that the caller sees in the selection and that are on their first way to readiness, while it is early enough to wait. */
  #startingFor({ principal, selection }: Pick<Call, "principal" | "selection">): readonly Lease[] {
    const now = this.#now();
    if (now.starting.length === 0 || this.#options.clock.now() >= this.#settleBy) return nobody;
    const { servers } = now.view(principal, selection);
    return now.starting.filter((lease) => servers.some(({ name }) => name === lease.spec.name));
  }

  async #settle(waiting: readonly Lease[], cancel?: Cancel): Promise<void> {
    const ms = Math.max(0, this.#settleBy - this.#options.clock.now());
    await Promise.all(waiting.map((lease) => lease.settled(ms, cancel)));
  }

  watch(watch: Watch): Watching {
    if (this.#draining !== null) throw fault("SHUTTING_DOWN");
    const end = this.#watchers.open(watch, this.#now());
    const wishes = this.#subscriptions.open(watch);
    return {
      subscribe: (uri) => wishes.subscribe(uri),
      unsubscribe: (uri) => wishes.unsubscribe(uri),
      follow: (task) => wishes.follow(task),
      unfollow: (task) => wishes.unfollow(task),
      end() {
        end();
        wishes.end();
      },
    };
  }

  /** Beside what a watch says of itself, a server hears of extensions that it alone has, as with calls. */
  #sharerOf(watch: Watch, backend: string): Sharer {
    const { principal, selection, client, session } = watch;
    const extensions = this.#extensions.of(this.#now().view(principal, selection, watch), backend);
    return extensions === null ? watch : { principal, selection, client, session, extensions };
  }

  /** A task's result may come as news, and name resources like any other. */
  #learnBeside({ principal }: Watch, backend: string, params: RawObject): void {
    this.#owners.learn({ method: "", params: emptyObject, principal }, backend, params, this.#current.limits);
  }

  async #settledFor(watch: Watch): Promise<boolean> {
    const waiting = this.#startingFor(watch);
    await this.#settle(waiting);
    return waiting.length > 0;
  }

  tool(principal: Principal, selection: Selection, name: string): Raw | null {
    return routeOf(this.#now().view(principal, selection), "tools", name)?.tool ?? null;
  }

  async describe(principal: Principal, selection: Selection): Promise<Description> {
    if (this.#beginning !== null) await this.#beginning.promise;
    const waiting = this.#startingFor({ principal, selection });
    if (waiting.length > 0) await this.#settle(waiting);
    const { server } = selection;
    const view = this.#now().view(principal, selection);
    if (server === null) {
      const { name, version } = this.#options.identity;
      return { info: `{"name":${quote(name)},"version":${quote(version)}}`, capabilities: capabilitiesOf(view), instructions: instructionsOf(view) };
    }
    const lease = this.#current.generation.leases.get(server);
    if (lease === undefined || !view.found) throw scopeFault(this.#now(), handshakeOf(principal, selection)) ?? fault("NAME_UNKNOWN", { detail: `server ${JSON.stringify(server)}` });
    return this.#describeOne(lease, principal, selection);
  }

  async #describeOne(lease: Lease, principal: Principal, selection: Selection): Promise<Description> {
    if (lease.offered() === null) await lease.settled(Math.min(lease.spec.connectMs, this.#current.limits.describeMsMax));
    const offered = lease.offered();
    if (offered === null) throw fault("BACKEND_DOWN", { backend: lease.spec.name, detail: lease.status().reason ?? lease.status().state });
    const view = this.#now().view(principal, selection);
    return { info: offered.facts.info, capabilities: capabilitiesOf(view), instructions: instructionsOf(view) };
  }

  propose(config: Config): Promise<void> {
    this.#verdicts += 1;
    this.#proposed = { config, verdict: this.#verdicts };
    return this.#adoptSoon();
  }

  async #adopt({ config, verdict }: Proposal): Promise<void> {
    if (this.#draining !== null) return;
    const { clock } = this.#options;
    await recalled(this.#options, config);
    if (this.#draining !== null) return;
    const before = this.#current.generation;
    const next = new Generation(relived(config, this.#lives), this.#pool);
    await Promise.all(replacedBy(before, next).map((lease) => lease.settled(config.limits.swapMsMax)));
    // The end has come meanwhile: nothing is put in place any more.
    if (this.#draining !== null) return next.retire(clock, 0);
    this.#generations.add(next);
    this.#placedAt = clock.now();
    this.#settleBy = this.#placedAt + config.limits.listWaitMsMax;
    this.#replace(next);
    this.#begun();
    this.#subscriptions.move(this.#current);
    if (verdict === this.#verdicts) this.#config = { state: "valid", at: clock.now(), issues: issuesOf(config), path: config.path };
    this.#metrics.reloaded("valid");
    this.#logChange(before, next);
    before.retire(clock, config.limits.drainMsMax);
    for (const generation of this.#generations) if (generation !== next && generation.pins === 0) this.#generations.delete(generation);
    this.#announce();
  }

  #begun(): void {
    this.#beginning?.resolve();
    this.#beginning = null;
  }

  reject(issues: readonly Issue[], path: string | null): void {
    this.#verdicts += 1;
    this.#trail.rejected(issues, path);
    this.#metrics.reloaded("rejected");
    this.#config = { state: "rejected", at: this.#options.clock.now(), issues, path };
    for (const issue of issues) this.#options.log.error(`configuration refused, the running one goes on: ${issue.message}`, { line: issue.line, column: issue.column, hint: issue.hint });
  }

  /** A backend reported a change: only noted here; the snapshot is made when it is next looked at. */
  #noticeChange(name: string): void {
    const status = this.#current.generation.leases.get(name)?.status();
    if (status !== undefined) this.#trail.state(status);
    if (this.#draining !== null) return;
    this.#stale = true;
    this.#announce();
    this.#keep();
  }

  #keep(): void {
    this.#options.memory?.keep(() => [...this.#current.generation.leases.values()].map(knownOf));
  }

  /** The snapshot of the moment. A burst of reports costs one catalog. */
  #now(): Snapshot {
    if (this.#stale) this.#replace(this.#current.generation);
    return this.#current;
  }

  #replace(generation: Generation): void {
    this.#stale = false;
    this.#current = new Snapshot(this.#current.number + 1, generation, this.#inventories);
    this.#problems.tell(this.#current.catalog.problems, this.#current.limits);
  }

  #announce(): void {
    this.#watchers.announce(this.#current.limits.noticeQuietMs, () => {
      this.#subscriptions.retry();
      return this.#now();
    });
  }

  #logChange(before: Generation, next: Generation): void {
    for (const issue of issuesOf(next.config)) this.#options.log.error(`server is out: ${issue.message}`, { server: issue.server, line: issue.line, column: issue.column, hint: issue.hint });
    this.#change = changeOf(before, next);
    this.#trail.adopted(next.config, this.#change);
    for (const lease of next.leases.values()) this.#trail.state(lease.status());
    this.#options.log.info("configuration in place", { path: next.config.path, ...namesOf(this.#change, next.config.limits) });
  }

  status(): HubStatus {
    const { generation, number, catalog } = this.#now();
    const statusOf = (spec: BackendSpec): BackendStatus => ({ ...(generation.leases.get(spec.name)?.status() ?? switchedOff(spec.name, this.#placedAt)), transport: spec.kind === "stdio" ? "stdio" : spec.transport });
    return { phase: this.#phase(), generation: number, config: this.#config, change: this.#change, backends: generation.config.backends.map(statusOf), problems: catalog.problems, untrusted: this.#options.trust?.reviews() ?? [], inFlight: this.#inFlight() };
  }

  explain(asked: AskedTool): readonly Explained[] {
    const { catalog, offers, generation } = this.#now();
    const servers = generation.config.backends.map(({ name, prefix, disabled }) => ({ name, prefix: prefix ?? name, state: disabled ? "disabled" : (generation.leases.get(name)?.status().state ?? "disabled") }));
    return explainTool({ catalog, offers, servers }, asked);
  }

  selected(filter: string): readonly SelectedServer[] {
    return selectedServers(this.#now().catalog, filter);
  }

  async settled(server: string, ms: number): Promise<BackendStatus> {
    const lease = this.#leaseOf(server);
    await lease?.settled(ms);
    // Another configuration may have come meanwhile, and with it another entry of that name, or none.
    return this.#leaseOf(server)?.status() ?? switchedOff(server, this.#placedAt);
  }

  async restart(server: string): Promise<void> {
    if (this.#leaseOf(server) === null) throw fault("PARAMS_INVALID", { backend: server, detail: "it is disabled", hint: `enable it: \`1mcp mcp enable ${server}\`` });
    this.#lives.set(server, (this.#lives.get(server) ?? 0) + 1);
    this.#options.log.info("begun anew for the operator", { server });
    await this.#adoptSoon();
  }

  tools(server: string): readonly ToolFacts[] | null {
    this.#leaseOf(server);
    const { catalog, offers } = this.#now();
    return toolsOf(catalog, offers, server);
  }

  /** Null: it is switched off. */
  #leaseOf(server: string): Lease | null {
    const { config, leases } = this.#current.generation;
    if (!config.backends.some(({ name }) => name === server)) throw fault("NAME_UNKNOWN", { detail: `server “${server}”`, hint: "`1mcp mcp list` has those there are" });
    return leases.get(server) ?? null;
  }

  presets(): Config["presets"] {
    return this.#current.generation.config.presets;
  }

  review(server: string): Review {
    this.#now();
    return this.#trust().review(server);
  }

  trust(server: string, digest: string): Review {
    this.#now();
    const accepted = this.#trust().accept(server, digest);
    this.#stale = true;
    this.#announce();
    return accepted;
  }

  #trust(): Trust {
    const { trust } = this.#options;
    if (trust === undefined || trust === null) throw fault("NAME_UNKNOWN", { detail: "nothing is pinned here" });
    return trust;
  }

  grantable(): readonly GrantableScope[] {
    return grantableOf(this.#now().catalog);
  }

  definitions(): Definitions {
    return definitionsOf(this.#now().catalog);
  }

  #phase(): HubStatus["phase"] {
    if (this.#draining !== null) return "draining";
    return this.#current.number > 0 ? "running" : "starting";
  }

  #inFlight(): number {
    let sum = 0;
    for (const generation of this.#generations) sum += generation.pins;
    return sum;
  }

  drain(ms: number): Promise<void> {
    if (this.#draining === null) {
      this.#isWaiting = true;
      this.#draining = this.#idle(ms);
      this.#begun();
      // Only now, since what ends is of no interest to anybody any more.
      this.#pool.endIdle();
    }
    return this.#draining;
  }

  close(ms: number): Promise<void> {
    this.#closing ??= this.#end(ms);
    return this.#closing;
  }

  kill(): void {
    this.#pool.kill();
  }

  async #idle(ms: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#options.clock.timer(ms, late.resolve);
    await Promise.race([late.promise, Promise.all([...this.#generations].map((generation) => generation.idle()))]);
    timer.cancel();
    this.#isWaiting = false;
  }

  async #end(ms: number): Promise<void> {
    await this.drain(ms);
    this.#watchers.close();
    this.#subscriptions.close();
    await Promise.all([this.#options.memory?.close(), this.#options.trust?.close(), this.#pool.close()]);
  }
}

/** What is kept from an earlier life, as far as anything is. */
const recalled = ({ memory, trust }: HubOptions, config: Config): Promise<unknown> | undefined => (trust ? Promise.all([trust.recall(config), memory?.recall(config)]) : memory?.recall(config));

/** The configuration with the numbers of lives that its servers have had; who is in it no more, has had none. */
function relived(config: Config, lives: Map<string, number>): Config {
  const names = new Set(config.backends.map(({ name }) => name));
  for (const name of lives.keys()) if (!names.has(name)) lives.delete(name);
  if (lives.size === 0) return config;
  return Object.freeze({ ...config, backends: Object.freeze(config.backends.map((spec) => (lives.has(spec.name) ? Object.freeze({ ...spec, life: lives.get(spec.name) ?? 0 }) : spec))) });
}

interface Proposal {
  readonly config: Config;
  /** Its number among all verdicts on the file. */
  readonly verdict: number;
}

/** What a client begins with, as far as it is to be judged. */
const handshakeOf = (principal: Principal, selection: Selection) => ({ method: "", params: emptyObject, principal, selection, backend: null });

const nobody: readonly Lease[] = Object.freeze([]);

/** Leases of servers that the running generation has under the same name with another process: they start beside it. */
const replacedBy = (before: Generation, next: Generation): Lease[] =>
  [...next.leases.values()].filter((lease) => fateOf(before.leases.get(lease.spec.name), lease) === "changed");

/** What it said in this life of the program: only that is worth keeping. */
const knownOf = (lease: Lease): Known => ({ spec: lease.spec, offered: lease.status().lists === "live" ? lease.offered() : null });

const issuesOf = (config: Config): Issue[] => config.backends.flatMap((spec) => (spec.issue === null ? [] : [spec.issue]));

const switchedOff = (name: string, since: number): BackendStatus => ({ name, state: "disabled", since, retryAt: null, lastError: null, breaker: "closed", lists: null, pid: null, reason: null, stderr: [], restarts: 0, retried: 0, inFlight: 0, revision: null });
