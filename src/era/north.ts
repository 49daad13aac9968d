/** What both eras share in front: the surroundings of every request, made once. */
import { type CallIds, type Clock, createCallIds, type Limits } from "../base/index.ts";
import type { Raw, Serve } from "../protocol/index.ts";
import { Heads } from "./heads.ts";
import { PageVisits } from "./pageVisits.ts";
import { Parking } from "./parking.ts";
import { createSeal, type Seal } from "./seal.ts";
import { identityOf } from "./south.ts";
import { Stamp } from "./stamp.ts";
import { Streams } from "./streams.ts";
import type { EraOptions } from "./types.ts";

export interface North {
  readonly serve: Serve;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly callIds: CallIds;
  /** Our own identity as JSON text. */
  readonly identity: Raw;
  readonly heads: Heads;
  readonly streams: Streams;
  readonly seal: Seal;
  readonly stamp: Stamp;
  /** The calls that wait for their clients to come back with answers. */
  readonly parking: Parking;
  /** The pages that their clients were sent to before a call. */
  readonly pageVisits: PageVisits;
  /** The older era is not served. */
  readonly isModernOnly: boolean;
}

/** Makes them from what the room is built with. */
export function createNorth(options: EraOptions): North {
  const { serve, clock, limits } = options;
  const identity = identityOf(options.identity);
  const seal = createSeal({ key: options.sealKey, clock, msMax: limits.stateMsMax });
  const stamp = new Stamp(identity, limits);
  const pageVisits = new PageVisits(clock, limits);
  return {
    serve,
    clock,
    limits,
    callIds: options.callIds ?? createCallIds(),
    identity,
    heads: new Heads(clock, limits),
    streams: new Streams(clock, limits),
    seal,
    stamp,
    parking: new Parking({ clock, limits, seal, stamp }, pageVisits),
    pageVisits,
    isModernOnly: options.clientEra === "modern",
  };
}
