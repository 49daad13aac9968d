/** The hub's words for its neighbours. */
import type { BackendStatus } from "../backend/index.ts";
import type { AskedTool, Explained, GrantableScope, Problem, SelectedServer } from "../catalog/index.ts";
import type { Config, Issue } from "../config/index.ts";
import type { Serve } from "../protocol/index.ts";
import type { Review } from "./trust.ts";

/** What a configuration made of the servers of the one before, by name. */
export interface Change {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly kept: readonly string[];
}

export interface HubStatus {
  /** "starting" until the first configuration is in place. */
  readonly phase: "starting" | "running" | "draining";
  readonly generation: number;
  readonly config: { readonly state: "valid" | "rejected"; readonly at: number; readonly issues: readonly Issue[]; readonly path: string | null };
  /** What the configuration in place changed. */
  readonly change: Change;
  readonly backends: readonly BackendStatus[];
  readonly problems: readonly Problem[];
  /** Servers of which not everything is as it was trusted, and what. */
  readonly untrusted: readonly Review[];
  readonly inFlight: number;
}

/** The running proxy. */
export interface Hub extends Serve {
  /** Makes the given configuration the running one; resolves when its snapshot, or that of a newer one, is in place. Never throws for a bad backend. */
  propose(config: Config): Promise<void>;
  /** A configuration was refused: only status and log change. */
  reject(issues: readonly Issue[], path: string | null): void;
  status(): HubStatus;
  /** Which rules show or hide a tool. */
  explain(asked: AskedTool): readonly Explained[];
  /** What an expression selects for somebody with every scope. */
  selected(filter: string): readonly SelectedServer[];
  /** The presets of the configuration in place. */
  presets(): Config["presets"];
  /** What can be granted to clients at the moment. */
  grantable(): readonly GrantableScope[];
  /** What of a server is not as it was trusted. Throws NAME_UNKNOWN. */
  review(server: string): Review;
  /** Trusts what was shown with this digest. Throws NAME_UNKNOWN, PARAMS_INVALID. */
  trust(server: string, digest: string): Review;
  /** No new calls; resolves when the running ones have ended, or after `ms`. Draining twice is fine. */
  drain(ms: number): Promise<void>;
  /** Drains for at most `ms`, then ends every backend. Closing twice is fine. */
  close(ms: number): Promise<void>;
  /** Ends every process at once, without waiting: for a program that must end now. */
  kill(): void;
}
