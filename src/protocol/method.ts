/**
 * The methods that are relayed, as data: what kind each is and which parameter names its target. Methods of the
 * connection itself (handshakes, discovery, pings, subscriptions) are no calls and belong to the revisions' adapters.
 */
import type { Kind } from "./call.ts";

/** What the proxy has to do for a method. */
export interface MethodRow {
  readonly kind: "call" | "list" | "read" | "get" | "complete";
  /** The member of `params` that says whom the request is for: a string, or for "ref" an object that holds one. */
  readonly target: "name" | "uri" | "ref" | null;
  /** What a list method lists. */
  readonly lists: Kind | null;
}

const row = (kind: MethodRow["kind"], target: MethodRow["target"], lists: Kind | null = null): MethodRow => Object.freeze({ kind, target, lists });

/** Every method that reaches the hub, by name. */
export const methods = Object.freeze({
  "tools/list": row("list", null, "tools"),
  "tools/call": row("call", "name"),
  "prompts/list": row("list", null, "prompts"),
  "prompts/get": row("get", "name"),
  "resources/list": row("list", null, "resources"),
  "resources/templates/list": row("list", null, "templates"),
  "resources/read": row("read", "uri"),
  "completion/complete": row("complete", "ref"),
});

export type MethodName = keyof typeof methods;
