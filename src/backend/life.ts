/**
 * One life of a server, from the start of its process or connection to its burial. It hides that the three parts that can
 * end it (the link, the dialect, the time that a start may take) do so independently, and that what was begun may come to
 * its end after nobody wants it any more.
 */
import { type Clock, fault, faultOf, type Limits, type Log } from "../base/index.ts";
import type { BackendSpec } from "../config/index.ts";
import type { Eras, Upstream } from "../era/index.ts";
import type { Beside, Raw, RawObject } from "../protocol/index.ts";
import type { Link } from "./link.ts";
import type { Changing, Lists } from "./lists.ts";

export interface LifeOptions {
  readonly spec: BackendSpec;
  /** Not yet open. */
  readonly link: Link;
  readonly connect: Eras["connect"];
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly capabilities: Raw;
  /** See CourseOptions, these five too. */
  readonly beside?: Beside | undefined;
  readonly client?: Raw | null;
  readonly prefersOlder?: boolean;
  readonly isMute: () => boolean;
  readonly announced?: (kind: Changing) => void;
  /** Filled at the start. */
  readonly lists: Lists;
  readonly updated: (uri: string, params: RawObject, abilities: Raw | null) => void;
}

export class Life {
  readonly link: Link;
  readonly #options: LifeOptions;
  #upstream: Upstream | null = null;
  #lost: string | null = null;
  #isBuried = false;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.link = options.link;
  }

  /** Why it is of no use; null while it is. It may have fallen while nobody was told, since a handshake may end and start a child. */
  get fallen(): string | null {
    return this.link.fallen ?? this.#lost;
  }

  /** Process or connection, handshake, lists: all within the time that the entry gives. Throws Faults (BACKEND_…). */
  async start(): Promise<Upstream> {
    const { connectMs } = this.#options.spec;
    const failed = Promise.withResolvers<never>();
    const timer = this.#options.clock.timer(connectMs, () => failed.reject(this.#late(connectMs)));
    try {
      return await Promise.race([failed.promise, this.#handshake()]);
    } finally {
      timer.cancel();
    }
  }

  /** Ends all of it. What is still under way notices. */
  async bury(): Promise<void> {
    this.#isBuried = true;
    if (this.#upstream !== null) await this.#takeLeave(this.#upstream);
    await this.link.close();
  }

  async #handshake(): Promise<Upstream> {
    const { connect, spec, limits, log, lists, capabilities, beside, client, prefersOlder, isMute, announced, updated } = this.#options;
    const { link } = this;
    await link.open();
    const upstream = await connect(link, {
      name: spec.name,
      era: prefersOlder === true ? "older" : spec.era,
      requestMsMax: spec.requestMs,
      probeMsMax: limits.probeMsMax,
      capabilities,
      mute: isMute(),
      client: client ?? null,
      ...(beside === undefined ? {} : { beside }),
      updated,
      changed: (kind) => {
        lists.becameStale(kind);
        announced?.(kind);
      },
      logged: (text: Raw) => log.info("log message", { server: spec.name, text }),
      lost: (reason) => {
        this.#lost ??= reason;
        link.onDown(reason);
      },
    });
    this.#upstream = upstream;
    // Its time is over, and with it the chance that anybody else closes it.
    if (this.#isBuried) await this.#takeLeave(upstream);
    const take = await lists.fetchAll(upstream);
    // A server that fell meanwhile would look like one that offers nothing.
    if (this.fallen === null && !this.#isBuried) take();
    return upstream;
  }

  async #takeLeave(upstream: Upstream): Promise<void> {
    try {
      await upstream.close();
    } catch (thrown) {
      // It only says goodbye, perhaps to somebody who has gone.
      this.#options.log.debug("could not take leave", { server: this.#options.spec.name, code: faultOf(thrown).code });
    }
  }

  #late(connectMs: number): Error {
    return fault("BACKEND_TIMEOUT", { backend: this.#options.spec.name, op: "start", detail: `it was not ready within ${connectMs} ms` });
  }
}
