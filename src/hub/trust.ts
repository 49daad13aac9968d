/**
 * Whether what servers define is what was trusted. Whoever is seen for the first time is taken as he is; from then on a
 * changed definition, or a new one, is told with the difference, and with `pin: "block"` nobody gets to see or call it,
 * until the operator trusts it. What decides is here; what differs is known to the catalog room, files are elsewhere.
 */
import { type Audit, type Limits, type Log, fault } from "../base/index.ts";
import { digestOfDrifts, type Drift, driftsOf, firstSeen, type Inventory, type Pins, pinsOf, withAll } from "../catalog/index.ts";
import type { BackendSpec, Config } from "../config/index.ts";
import type { PinFiles } from "./pinned.ts";

/** What is to be said of one server. */
export interface Review {
  readonly server: string;
  readonly pin: BackendSpec["pin"];
  readonly drifts: readonly Drift[];
  /** Stands for exactly these: what somebody accepts is what he was shown. */
  readonly digest: string;
}

export interface TrustOptions {
  readonly files: PinFiles;
  readonly log: Log;
  readonly audit: Audit;
  readonly limits: Limits;
}

interface Judged {
  readonly drifts: readonly Drift[];
  /** Keys of what nobody gets to see; null: there is no such thing. */
  readonly withheld: ReadonlySet<string> | null;
}

interface Memo extends Judged {
  readonly trusted: Pins | null;
  readonly pin: BackendSpec["pin"];
}

const sound: Judged = Object.freeze({ drifts: Object.freeze([]), withheld: null });

/** Lines for one look at one server; the rest is counted. */
const linesMax = 20;

export class Trust {
  readonly #options: TrustOptions;
  /** By server: what it defines now, as far as everybody sees it. */
  readonly #latest = new Map<string, { readonly spec: BackendSpec; readonly inventory: Inventory }>();
  readonly #memo = new WeakMap<Inventory, Memo>();
  /** By server: the drifts that were told last. */
  readonly #told = new Map<string, string>();

  constructor(options: TrustOptions) {
    this.#options = options;
  }

  /** Reads what was trusted of these servers. Never throws. */
  async recall(config: Config): Promise<void> {
    const names = new Set(config.backends.map(({ name }) => name));
    for (const name of this.#latest.keys()) {
      if (names.has(name)) continue;
      this.#latest.delete(name);
      this.#told.delete(name);
    }
    await this.#options.files.recall(config);
  }

  /** What nobody gets to see of what a server defines to everybody; what it defines for the first time is trusted now. */
  withheld(spec: BackendSpec, inventory: Inventory): ReadonlySet<string> | null {
    this.#latest.set(spec.name, { spec, inventory });
    if (spec.pin !== "off") this.#learn(spec.name, inventory);
    const judged = this.#judge(spec, inventory);
    this.#tell(spec, judged.drifts);
    return judged.withheld;
  }

  /** The same for what it defines to one caller alone; nothing is learnt from that. */
  withheldOf(spec: BackendSpec, inventory: Inventory): ReadonlySet<string> | null {
    return this.#judge(spec, inventory).withheld;
  }

  #learn(name: string, inventory: Inventory): void {
    const { files, audit } = this.#options;
    const trusted = files.of(name);
    if (this.#memo.get(inventory)?.trusted === trusted && trusted !== null) return;
    const first = firstSeen(trusted ?? new Map(), pinsOf(inventory, this.#options.limits));
    if (first.size === 0) return;
    files.keep(name, withAll(trusted ?? new Map(), first));
    audit.record({ ev: "pin.created", target: name, count: first.size });
  }

  #judge(spec: BackendSpec, inventory: Inventory): Judged {
    if (spec.pin === "off") return sound;
    const trusted = this.#options.files.of(spec.name);
    const known = this.#memo.get(inventory);
    if (known !== undefined && known.trusted === trusted && known.pin === spec.pin) return known;
    const drifts = trusted === null ? sound.drifts : driftsOf(trusted, pinsOf(inventory, this.#options.limits));
    const made: Memo = { trusted, pin: spec.pin, drifts, withheld: spec.pin === "block" && drifts.length > 0 ? new Set(drifts.map(({ key }) => key)) : null };
    this.#memo.set(inventory, made);
    return made;
  }

  #tell({ name, pin }: BackendSpec, drifts: readonly Drift[]): void {
    const digest = drifts.length === 0 ? "" : digestOfDrifts(drifts);
    if ((this.#told.get(name) ?? "") === digest) return;
    this.#told.set(name, digest);
    const { log, audit } = this.#options;
    for (const { key, how, was, is, lines } of drifts.slice(0, linesMax)) {
      log.warn(pin === "block" ? "a definition is not what was trusted, and withheld" : "a definition is not what was trusted", { server: name, definition: key, how, was, is, difference: lines.join(" | "), hint: `1mcp mcp trust ${name}` });
      audit.record({ ev: "pin.changed", target: `${name}/${key}`, result: pin === "block" ? "withheld" : "shown", reason: `${how}: ${was ?? "none"} → ${is}` });
    }
    if (drifts.length > linesMax) log.warn("more definitions are not what was trusted", { server: name, count: drifts.length - linesMax });
  }

  /** What is not as it was trusted, of every server that has any such. */
  reviews(): readonly Review[] {
    return [...this.#latest.keys()].map((name) => this.review(name)).filter(({ drifts }) => drifts.length > 0);
  }

  /** What is to be said of a server. Throws NAME_UNKNOWN where nothing is known of it. */
  review(server: string): Review {
    const latest = this.#latest.get(server);
    if (latest === undefined) throw fault("NAME_UNKNOWN", { detail: `server “${server}” has not defined anything yet`, hint: "`1mcp mcp list` has the servers there are; one that was never up has defined nothing" });
    const { drifts } = this.#judge(latest.spec, latest.inventory);
    return { server, pin: latest.spec.pin, drifts, digest: digestOfDrifts(drifts) };
  }

  /** Trusts everything that a server defines now, as it was shown with this digest. Throws NAME_UNKNOWN, and PARAMS_INVALID where it has changed since. */
  accept(server: string, digest: string): Review {
    const review = this.review(server);
    const latest = this.#latest.get(server);
    if (latest === undefined || review.digest !== digest) throw fault("PARAMS_INVALID", { detail: "what it defines has changed since it was shown", hint: "look at it again" });
    const { files, audit, limits, log } = this.#options;
    if (review.drifts.length === 0) return review;
    files.keep(server, withAll(files.of(server) ?? new Map(), pinsOf(latest.inventory, limits)));
    for (const { key, was, is } of review.drifts) audit.record({ ev: "pin.approved", target: `${server}/${key}`, reason: `${was ?? "none"} → ${is}` });
    log.info("what a server defines now is trusted", { server, definitions: review.drifts.length });
    return review;
  }

  /** Resolves when what is trusted is written. */
  close(): Promise<void> {
    return this.#options.files.written();
  }
}
