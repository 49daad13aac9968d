/** `wait`: until the servers, or one of them, can be called; ends at once where that will not be without somebody's help. */
import { defaultLimits, type FaultCode, sleep } from "../base/index.ts";
import type { Reached, ServerFacts } from "../compose/index.ts";
import { type Format, formatOf, shownAs, tameText } from "./format.ts";
import type { Occasion, Run } from "./occasion.ts";
import { createProgress } from "./progress.ts";
import { reachedBy, serverNamed } from "./shellServers.ts";

// Nothing announces that a server is ready.
const lookMs = 100;

/** What stands in the way of one server. */
interface Hindrance {
  readonly code: FaultCode;
  readonly server: string;
  readonly state: ServerFacts["state"];
  readonly message: string;
  readonly hint: string;
}

/** Gives 0 when they are ready, 1 when one will not be, or time is up. Throws NAME_UNKNOWN, SERVER_AWAY. */
export const wait: Run = async (occasion) => {
  const { operand, clock, settings, stderr, env } = occasion;
  // How long servers may take says nothing of how long an answer may.
  await using reached = await reachedBy(occasion, defaultLimits.aliveMsMax);
  const format = await formatOf(occasion);
  const since = clock.now();
  const progress = createProgress({ stderr, clock, isTerminal: (await stderr.isTerminal()) && env["TERM"] !== "dumb" }, "waiting for servers");
  try {
    for (;;) {
      const servers = await concerned(reached, operand);
      const waiting = servers.filter(({ healthy }) => !healthy);
      progress.say(`waiting for ${waiting.map(({ name, state }) => `${name} (${state})`).join(", ")}`);
      const elapsedMs = clock.now() - since;
      const lasting = waiting.flatMap(hindranceOf);
      const isLate = elapsedMs >= settings.waitMs;
      if (waiting.length === 0 || lasting.length > 0 || isLate) {
        progress.end();
        return report(occasion, format, { servers, elapsedMs, errors: lasting.length > 0 || !isLate ? lasting : waiting.map(lateOf) });
      }
      await sleep(clock, lookMs);
    }
  } finally {
    progress.end();
  }
};

/** The one that was named; or all that are meant to run. */
async function concerned(reached: Reached, name: string | null): Promise<readonly ServerFacts[]> {
  const servers = await reached.servers();
  return name === null ? servers.filter(({ state }) => state !== "disabled") : [serverNamed(servers, name)];
}

const lasting: Readonly<Partial<Record<ServerFacts["state"], readonly [code: FaultCode, hint: string]>>> = Object.freeze({
  "needs-login": ["LOGIN_NEEDED", "1mcp auth login SERVER"],
  misconfigured: ["BACKEND_MISCONFIGURED", "1mcp config check"],
  disabled: ["BACKEND_DOWN", "it is switched off; 1mcp mcp enable SERVER"],
  stopped: ["BACKEND_DOWN", "1mcp status SERVER"],
});

function hindranceOf({ name, state, reason, lastError, breaker }: ServerFacts): Hindrance[] {
  const message = reason ?? lastError?.message ?? `it is ${state}`;
  const [code, hint] = lasting[state] ?? [null, null];
  if (code !== null) return [{ code, server: name, state, message, hint: hint.replace("SERVER", () => name) }];
  // It failed so often in a row that tries are few by now.
  return breaker === "open" ? [{ code: "BACKEND_DOWN", server: name, state, message, hint: `1mcp status ${name}` }] : [];
}

const lateOf = ({ name, state, reason }: ServerFacts): Hindrance => ({ code: "BACKEND_TIMEOUT", server: name, state, message: reason ?? `it is still ${state}`, hint: `wait longer with --timeout, or see: 1mcp status ${name}` });

interface Waited {
  readonly servers: readonly ServerFacts[];
  readonly elapsedMs: number;
  readonly errors: readonly Hindrance[];
}

function report({ stdout }: Occasion, format: Format, { servers, elapsedMs, errors }: Waited): number {
  const status = errors.length === 0 ? "ready" : errors.some(({ code }) => code === "BACKEND_TIMEOUT") ? "timeout" : "failed";
  const value = { kind: "wait", status, elapsedMs, servers: servers.map(({ name, state, healthy }) => ({ server: name, status: state, available: healthy })), errors };
  const lines = errors.length === 0 ? [`${servers.length === 1 ? "it is" : `all ${servers.length} are`} ready`] : errors.map(({ code, server, message, hint }) => `${server}: ${message} [${code}]; ${hint}`);
  stdout.write(shownAs(format, value, () => `${tameText(lines.join("\n"))}\n`));
  return errors.length === 0 ? 0 : 1;
}
