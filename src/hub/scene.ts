/** What a row of the table of methods works on, and what it can come to: words of their own, since several files give rows. */
import type { View } from "../catalog/index.ts";
import type { Call, Outcome, Raw } from "../protocol/index.ts";
import type { OwnExtensions } from "./extensions.ts";
import type { Owners } from "./owners.ts";
import type { Snapshot } from "./snapshot.ts";

/** What a row works on. */
export interface Scene {
  readonly snapshot: Snapshot;
  readonly view: View;
  readonly cursorKey: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly owners: Owners;
  readonly extensions: OwnExtensions;
  /** The server that was asked last for this answer; null: none. */
  asked: string | null;
  /** The definition of the tool that it was asked for; null: it was asked for no tool, or for one that it does not list. */
  tool: Raw | null;
}

/** A row's answer; "unknown" says that nobody visible owns the target, so that a starting server may be waited for. */
export type Row = (scene: Scene, call: Call) => Promise<Outcome> | Outcome | Unknown;

/** Nobody owns the target of this call. */
export interface Unknown {
  readonly kind: "unknown";
  /** The public name that was asked for; null where the target is a URI. */
  readonly name: string | null;
  readonly outcome: Outcome;
}
