/** The servers of a running proxy as the shell's commands ask them: each by its own name, its lists and calls in few words. */
import { CancelSource, defaultLimits, fault, type FaultCode, faults, nearestOf } from "../base/index.ts";
import { type Asking, reach, type Reached, type ServerFacts } from "../compose/index.ts";
import { elementsOf, emptyObject, memberOf, type Outcome, type RawObject, type RpcError } from "../protocol/index.ts";
import { tokenOf } from "./bearer.ts";
import { stateDirOf } from "./configPath.ts";
import type { Occasion } from "./occasion.ts";
import { filterOf } from "./selection.ts";
import { version } from "./version.ts";

/** The running proxy. Throws SERVER_AWAY, USAGE, STATE_UNSAFE. */
export async function reachedBy(occasion: Occasion, timeoutMs: number = occasion.settings.timeoutMs): Promise<Reached & AsyncDisposable> {
  const { settings, env } = occasion;
  const reached = await reach({ stateDir: stateDirOf(occasion), env, version, url: settings.url, token: await tokenOf(occasion), filter: filterOf(occasion), timeoutMs });
  return { ...reached, [Symbol.asyncDispose]: () => reached.close() };
}

/** One of them by its name. Throws NAME_UNKNOWN. */
export function serverNamed(servers: readonly ServerFacts[], name: string): ServerFacts {
  const found = servers.find((server) => server.name === name);
  if (found !== undefined) return found;
  const names = servers.map((server) => server.name);
  const near = nearestOf(name, names);
  throw fault("NAME_UNKNOWN", { detail: `server “${name}”`, hint: near === null ? `there are: ${names.join(", ") || "none"}` : `did you mean ${near}?` });
}

/** A tool as its server defines it. */
export interface ToolDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
}

// A list is no call that somebody could be asked in.
const nobodyAnswers = (): Promise<never> => Promise.reject(fault("ASK_REFUSED"));

/** All tools of one server. Throws what it answers in their place. */
export async function toolsOf(asking: Asking, server: string): Promise<readonly ToolDefinition[]> {
  const result = resultOf(await asking.call(server, { method: "tools/list", params: emptyObject, capabilities: "{}", cancel: new CancelSource(), notice: String, ask: nobodyAnswers }));
  return (elementsOf(memberOf(result, "tools") ?? "[]", defaultLimits) ?? []).map((raw) => JSON.parse(raw) as ToolDefinition);
}

/** The result of a call. Throws what it failed with: a code of ours as that, whatever else with the server's own words. */
export function resultOf(outcome: Outcome): RawObject {
  if (outcome.kind === "failed") throw faultIn(outcome.error);
  return outcome.result;
}

function faultIn({ code, message, data }: RpcError) {
  const ours = data === null ? {} : (JSON.parse(data) as { readonly code?: unknown; readonly hint?: unknown } | null);
  const named = typeof ours?.code === "string" && Object.hasOwn(faults, ours.code) ? (ours.code as FaultCode) : null;
  const hint = typeof ours?.hint === "string" ? { hint: ours.hint } : {};
  if (named !== null) return fault(named, { detail: message.replace(`${faults[named].text} `, "").replace(/^\(|\)$/g, ""), ...hint });
  return fault("CALL_FAILED", { detail: `${message}; JSON-RPC error ${code}` });
}
