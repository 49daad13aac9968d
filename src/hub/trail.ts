/**
 * What the hub writes into the audit log: which tool was called by whom and what came of it, who was refused for lack of
 * scope, how servers come and go, what became of the configuration. Never what a call carries. A call that goes well pays
 * for one small object; everything else is done later, and elsewhere.
 */
import type { BackendState, BackendStatus } from "../backend/index.ts";
import type { Audit, AuditEvent } from "../base/index.ts";
import type { Config, Issue } from "../config/index.ts";
import { type Call, memberOf, type Outcome, type RpcError, stringOf } from "../protocol/index.ts";
import { namesOf } from "./change.ts";
import { toolNameOf } from "./inner.ts";
import type { Change } from "./types.ts";

/** A URI as it may be written down: what follows its path may be anybody's secret. */
export const shownUri = (uri: string | null): string | null => uri?.replace(/[?#][^]*$/, "") ?? null;

type Failed = Extract<Outcome, { kind: "failed" }>;

/** States that are worth a line, as long as the one before said something else. "starting" and "draining" pass by themselves. */
const stateEvents: Readonly<Partial<Record<BackendState, AuditEvent>>> = Object.freeze({
  ready: "backend.start",
  "backing-off": "backend.fall",
  degraded: "backend.fall",
  misconfigured: "backend.fall",
  idle: "backend.stop",
  stopped: "backend.stop",
});

export class Trail {
  readonly #audit: Audit;
  /** Each call of a tool has a line; else only those that were denied. */
  readonly #calls: boolean;
  /** By server: what was said of it last. */
  readonly #told = new Map<string, AuditEvent>();

  constructor(audit: Audit, calls: boolean) {
    this.#audit = audit;
    this.#calls = calls;
  }

  /** A call is answered; gives its outcome. `isSearched`: its caller has the pair in place of all tools. */
  ended(call: Call, server: string | null, outcome: Outcome, isSearched: boolean): Outcome {
    if (outcome.kind === "failed" && isDenial(call, outcome)) this.#denied(call, outcome.error, isSearched);
    else if (this.#calls && call.method === "tools/call") this.#called(call, server, outcome, isSearched);
    return outcome;
  }

  #called(call: Call, server: string | null, outcome: Outcome, isSearched: boolean): void {
    const name = toolNameOf(call.params, isSearched);
    this.#audit.record({ ev: "tool.call", grant: call.principal.id, user: call.principal.person?.name ?? null, target: server === null ? name : `${server}/${name}`, result: resultOf(outcome), call: call.callId });
  }

  #denied({ principal, method, params, selection, callId }: Call, { fault, data }: RpcError, isSearched: boolean): void {
    const target = toolNameOf(params, isSearched) ?? shownUri(stringOf(params, "uri")) ?? selection.server;
    const need = requiredIn(data);
    this.#audit.record({ ev: need.length === 0 ? "authz.denied" : "authz.stepup", grant: principal.id, user: principal.person?.name ?? null, method, target, need, have: principal.scopes ?? [], result: "denied", reason: fault ?? null, call: callId });
  }

  /** A server is in this state now. */
  state({ name, state, reason, lastError }: BackendStatus): void {
    const ev = stateEvents[state];
    if (ev === undefined || this.#told.get(name) === ev) return;
    const wasSaid = this.#told.has(name);
    this.#told.set(name, ev);
    // Whoever was never up has not been stopped.
    if (ev === "backend.stop" && !wasSaid) return;
    this.#audit.record({ ev, target: name, result: state, reason: ownWords(reason ?? (ev === "backend.fall" ? (lastError?.message ?? null) : null)) });
  }

  /** A configuration is in place. */
  adopted({ path, backends, limits }: Config, change: Change): void {
    const names = new Set(backends.map(({ name }) => name));
    for (const name of this.#told.keys()) if (!names.has(name)) this.#told.delete(name);
    const { added, removed, changed } = namesOf(change, limits);
    const reason = Object.entries({ added, removed, changed }).flatMap(([fate, named]) => (named === "" ? [] : [`${fate}: ${named}`])).join("; ");
    this.#audit.record({ ev: "config.changed", target: path, reason });
  }

  /** A configuration was refused. */
  rejected(issues: readonly Issue[], path: string | null): void {
    this.#audit.record({ ev: "config.rejected", target: path, reason: issues[0]?.message ?? null, count: issues.length });
  }
}

/** A reason without what the server itself said last: that can hold what somebody's call carried. */
const ownWords = (reason: string | null): string | null => reason?.split(/: |\n/, 1)[0] ?? null;

// Who may not have everything and asks for what there is not (for him) may be trying names.
const isDenial = ({ principal, params }: Call, { error }: Failed): boolean =>
  principal.scopes !== null && (error.fault === "SCOPE_MISSING" || (error.fault === "NAME_UNKNOWN" && params.members.length > 0));

function resultOf(outcome: Outcome): string {
  if (outcome.kind === "done") return memberOf(outcome.result, "isError") === "true" ? "tool_error" : "ok";
  if (outcome.kind !== "failed") return outcome.kind;
  return outcome.error.fault ?? `error ${outcome.error.code}`;
}

/** The scopes that the refusal names. */
function requiredIn(data: string | null): readonly string[] {
  const value = data === null ? null : (JSON.parse(data) as { readonly requiredScopes?: unknown } | null);
  return Array.isArray(value?.requiredScopes) ? value.requiredScopes.map(String) : [];
}
