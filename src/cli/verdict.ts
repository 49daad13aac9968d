/** How one server of the running proxy is after a change: the command waits until that is known, and says it. */
import { escapeControls } from "../base/index.ts";
import type { ServerFacts, ToolFacts } from "../compose/index.ts";
import type { Occasion } from "./occasion.ts";
import { askOperator, askRunning } from "./operator.ts";
import { spanText } from "./print.ts";

/** How it is, in words and as an exit code. */
export interface Verdict {
  readonly facts: ServerFacts;
  /** 0: it serves, or is switched off; 1: it does not come up, or not in time; 3: it wants a login. */
  readonly code: 0 | 1 | 3;
  /** Lines. */
  readonly text: readonly string[];
}

/** What takes longer is announced. */
const patientMs = 1_000;
// The answer itself takes a moment.
const answerMs = 30_000;

/** Waits at most `ms` for a server of the running proxy, after having asked for `action`. Throws NAME_UNKNOWN, PARAMS_INVALID, SERVER_AWAY. */
export async function awaitServer(occasion: Occasion, name: string, ms: number, action: "settled" | "restart" = "settled"): Promise<Verdict> {
  const { clock, stderr } = occasion;
  const path = `/servers/${encodeURIComponent(name)}`;
  const timer = clock.timer(patientMs, () => stderr.write(`${escapeControls(`waiting for ${name}, ${spanText(ms)} at most …`)}\n`));
  const begun = clock.now();
  const hint = "nothing runs, so there is nothing to restart: `1mcp serve`";
  const facts = await askRunning<ServerFacts>(occasion, "POST", `${path}/${action}`, { msMax: ms + answerMs, body: { ms }, hint }).finally(() => timer.cancel());
  const tools = facts.healthy ? await askOperator<{ readonly tools: readonly ToolFacts[] | null }>(occasion, "GET", `${path}/tools`) : null;
  const count = tools?.kind === "answer" ? (tools.value.tools?.length ?? null) : null;
  return verdictOf(facts, count, clock.now() - begun);
}

/** What the state of a server comes to. */
export function verdictOf(facts: ServerFacts, tools: number | null, waitedMs: number): Verdict {
  const { name, state, healthy } = facts;
  if (healthy) return { facts, code: 0, text: [`${name} is ${state}${countText(tools)}`] };
  const logs = `\`1mcp mcp logs ${name} -f\` shows what it says`;
  switch (state) {
    case "disabled":
      return { facts, code: 0, text: [`${name} is switched off`] };
    case "needs-login":
      return { facts, code: 3, text: [`${name} wants a login: \`1mcp auth login ${name}\``] };
    case "starting":
      return { facts, code: 1, text: [`${name} is still starting after ${spanText(waitedMs)}, and goes on: ${logs}`, ...quoted(facts)] };
    case "misconfigured":
      return { facts, code: 1, text: [`${name} is out: ${whyOf(facts)}`] };
    default:
      return { facts, code: 1, text: [`${name} does not come up (${state}): ${whyOf(facts)}`, ...quoted(facts), `it is tried again by itself; ${logs}`] };
  }
}

const countText = (tools: number | null): string => (tools === null ? "" : `, with ${tools} ${tools === 1 ? "tool" : "tools"}`);
const whyOf = ({ reason, lastError }: ServerFacts): string => reason ?? lastError?.message ?? "nobody says why";
const quoted = ({ stderr = [] }: ServerFacts): string[] => stderr.map((line) => `  | ${line}`);
