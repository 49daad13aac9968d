/**
 * The running proxy: one private pointer to the current snapshot, and one writer of it. A call pins the snapshot that
 * it finds and keeps it to its end. Whatever changes the world (a configuration, a crash, a changed list) comes to the
 * same place: a new frozen snapshot and one assignment, then notices to those who can see the difference.
 */
import type { BackendStatus, Lease, Pool, PoolEvents, Sharer } from "../backend/index.ts";
import { type Cancel, type Clock, type Fault, fault, faultOf, type Log, singleFlight } from "../base/index.ts";
import { capabilitiesOf, instructionsOf, routeOf } from "../catalog/index.ts";
import type { BackendSpec, Config, Issue } from "../config/index.ts";
import { type Call, type Description, emptyObject, type Outcome, type Principal, quote, type Raw, type RawObject, rpcErrorOf, type Selection, type Watch, type Watching } from "../protocol/index.ts";
import { OwnExtensions } from "./extensions.ts";
import { Generation } from "./generation.ts";
import { ProblemLog } from "./problems.ts";
import { isList, passThrough, rows, type Scene, type Unknown } from "./serve.ts";
import { Owners } from "./owners.ts";
import { InventoryMemo, Snapshot } from "./snapshot.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Hub, HubStatus } from "./types.ts";
import { Watchers } from "./watchers.ts";

export interface HubOptions {
  /** Makes the pool, handing it where to report. */
  readonly createPool: (events: PoolEvents) => Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: { readonly name: string; readonly version: string };
  /** Authenticates cursors; kept across restarts so that cursors are too. */
  readonly cursorKey: Uint8Array;
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
  readonly #inventories = new InventoryMemo();
  readonly #problems: ProblemLog;
  readonly #generations = new Set<Generation>();
  #current: Snapshot;
  #config: HubStatus["config"];
  /** Until then a list waits for servers that start for the first time. */
  #settleBy = 0;
  /** A backend reported a change that `#current` does not show yet. */
  #stale = false;
  /** Proposals and refusals so far: only the newest of them all decides what the status says of the file. */
  #verdicts = 0;
  /** The newest configuration that was proposed. */
  #proposed: Proposal;
  readonly #adoptSoon = singleFlight(() => this.#adopt(this.#proposed));
  /** Set from the moment that no new call is taken. */
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#watchers = new Watchers(options.clock);
    this.#problems = new ProblemLog(options.log);
    this.#subscriptions = new Subscriptions({ now: () => this.#now(), learned: ({ id }, uri) => this.#owners.of(id, uri), named: (watch, backend, params) => this.#learnBeside(watch, backend, params), as: (watch, backend) => this.#sharerOf(watch, backend), settled: (watch) => this.#settledFor(watch) }, options.log);
    this.#pool = options.createPool({ changed: () => this.#noticeChange(), updated: (name, uri, params, concerns) => this.#subscriptions.deliver(name, uri, params, concerns) });
    this.#current = new Snapshot(0, new Generation(options.empty, this.#pool), this.#inventories);
    this.#proposed = { config: options.empty, verdict: 0 };
    this.#config = { state: "valid", at: options.clock.now(), issues: [], path: options.empty.path };
  }

  call(call: Call): Promise<Outcome> {
    if (this.#draining !== null) return Promise.resolve(this.#failure(fault("SHUTTING_DOWN"), call));
    const waiting = isList(call.method) ? this.#startingFor(call) : nobody;
    return waiting.length === 0 ? this.#run(call, true) : this.#settle(waiting, call.cancel).then(() => this.#run(call, false));
  }

  async #run(call: Call, mayWait: boolean): Promise<Outcome> {
    const snapshot = this.#now();
    const { generation } = snapshot;
    generation.pin();
    try {
      const scene = this.#sceneOf(snapshot, call);
      const outcome = await (rows[call.method] ?? passThrough)(scene, call);
      if (outcome.kind === "done" && scene.asked !== null) this.#owners.learn(call, scene.asked, outcome.result, snapshot.limits);
      if (outcome.kind !== "unknown") return outcome;
      if (mayWait && (await this.#worldChanges(snapshot, call, outcome))) return await this.#run(call, false);
      return this.#unknownTo(snapshot, call, outcome);
    } catch (thrown) {
      return this.#failure(faultOf(thrown), call);
    } finally {
      generation.unpin();
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
    if (absent === undefined) return outcome;
    const { state, reason } = absent.status();
    return this.#failure(fault("BACKEND_DOWN", { backend: absent.spec.name, op: call.method, detail: reason ?? `it is ${state}` }), call);
  }

  #sceneOf(snapshot: Snapshot, call: Call): Scene {
    const view = snapshot.view(call.principal, call.selection, call);
    return { snapshot, view, cursorKey: this.#options.cursorKey, now: this.#options.clock.now(), owners: this.#owners, extensions: this.#extensions, asked: null };
  }

  #failure(thrown: Fault, call: Call): Outcome {
    const { row } = thrown;
    if (row.level !== "debug") {
      const cause = thrown.code === "INTERNAL" && thrown.cause instanceof Error ? (thrown.cause.stack ?? thrown.cause.message) : undefined;
      this.#options.log[row.level](thrown.message, { code: thrown.code, method: call.method, server: thrown.backend, cause });
    }
    return { kind: "failed", error: rpcErrorOf(thrown) };
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
    const waiting = this.#startingFor({ principal, selection });
    if (waiting.length > 0) await this.#settle(waiting);
    const { server } = selection;
    const view = this.#now().view(principal, selection);
    if (server === null) {
      const { name, version } = this.#options.identity;
      return { info: `{"name":${quote(name)},"version":${quote(version)}}`, capabilities: capabilitiesOf(view), instructions: instructionsOf(view) };
    }
    const lease = this.#current.generation.leases.get(server);
    if (lease === undefined || !view.found) throw fault("NAME_UNKNOWN", { detail: `server ${JSON.stringify(server)}` });
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
    const before = this.#current.generation;
    const next = new Generation(config, this.#pool);
    await Promise.all(replacedBy(before, next).map((lease) => lease.settled(config.limits.swapMsMax)));
    // The end has come meanwhile: nothing is put in place any more.
    if (this.#draining !== null) return next.retire(clock, 0);
    this.#generations.add(next);
    this.#settleBy = clock.now() + config.limits.listWaitMsMax;
    this.#replace(next);
    this.#subscriptions.move(this.#current);
    if (verdict === this.#verdicts) this.#config = { state: "valid", at: clock.now(), issues: issuesOf(config), path: config.path };
    this.#logChange(before, next);
    before.retire(clock, config.limits.drainMsMax);
    for (const generation of this.#generations) if (generation !== next && generation.pins === 0) this.#generations.delete(generation);
    this.#announce();
  }

  reject(issues: readonly Issue[], path: string | null): void {
    this.#verdicts += 1;
    this.#config = { state: "rejected", at: this.#options.clock.now(), issues, path };
    for (const issue of issues) this.#options.log.error(`configuration refused, the running one goes on: ${issue.message}`, { line: issue.line, column: issue.column, hint: issue.hint });
  }

  /** A backend reported a change: only noted here; the snapshot is made when it is next looked at. */
  #noticeChange(): void {
    if (this.#draining !== null) return;
    this.#stale = true;
    this.#announce();
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
    const names = { added: 0, changed: 0, kept: 0, removed: 0 };
    for (const [name, lease] of next.leases) names[fateOf(before.leases.get(name), lease)] += 1;
    for (const name of before.leases.keys()) if (!next.leases.has(name)) names.removed += 1;
    this.#options.log.info("configuration in place", { path: next.config.path, ...names });
  }

  status(): HubStatus {
    const { generation, number, catalog } = this.#now();
    const statusOf = (spec: BackendSpec): BackendStatus => generation.leases.get(spec.name)?.status() ?? switchedOff(spec.name);
    return { generation: number, config: this.#config, backends: generation.config.backends.map(statusOf), problems: catalog.problems, inFlight: this.#inFlight() };
  }

  #inFlight(): number {
    let sum = 0;
    for (const generation of this.#generations) sum += generation.pins;
    return sum;
  }

  drain(ms: number): Promise<void> {
    this.#draining ??= this.#idle(ms);
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
  }

  async #end(ms: number): Promise<void> {
    await this.drain(ms);
    this.#watchers.close();
    await this.#pool.close();
  }
}

interface Proposal {
  readonly config: Config;
  /** Its number among all verdicts on the file. */
  readonly verdict: number;
}

const nobody: readonly Lease[] = Object.freeze([]);

/** Leases of servers that the running generation has under the same name with another process: they start beside it. */
const replacedBy = (before: Generation, next: Generation): Lease[] =>
  [...next.leases.values()].filter((lease) => fateOf(before.leases.get(lease.spec.name), lease) === "changed");

function fateOf(before: Lease | undefined, next: Lease): "added" | "changed" | "kept" {
  if (before === undefined) return "added";
  return before.spec.fingerprint === next.spec.fingerprint ? "kept" : "changed";
}

const issuesOf = (config: Config): Issue[] => config.backends.flatMap((spec) => (spec.issue === null ? [] : [spec.issue]));

const switchedOff = (name: string): BackendStatus => ({ name, state: "disabled", pid: null, reason: null, stderr: [], restarts: 0, inFlight: 0, revision: null });
