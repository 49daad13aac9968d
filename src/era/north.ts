/** What both eras share in front: the surroundings of every request. */
import type { Clock, Limits, Log } from "../base/index.ts";
import type { Raw, Serve } from "../protocol/index.ts";
import type { Heads } from "./heads.ts";
import type { Seal } from "./seal.ts";
import type { Stamp } from "./stamp.ts";
import type { Streams } from "./streams.ts";

export interface North {
  readonly serve: Serve;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  /** Our own identity as JSON text. */
  readonly identity: Raw;
  readonly heads: Heads;
  readonly streams: Streams;
  readonly seal: Seal;
  readonly stamp: Stamp;
}
