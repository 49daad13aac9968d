/**
 * A proxy that listens, reached by a command that asks it this or that and goes. It hides that the command asks through a
 * small proxy of its own, which has one server for each that is asked: so one call is made here as any other is.
 */
import { operator } from "../auth/index.ts";
import { createEgress, defaultLimits, type Fault, fault, faultOf, nullAudit, systemClock } from "../base/index.ts";
import { type Config, reachConfig, readPresence } from "../config/index.ts";
import type { OwnRequest } from "../era/index.ts";
import type { McpHealth, ServerFacts } from "../hub/index.ts";
import type { Description, Outcome } from "../protocol/index.ts";
import { narrowedUrl, tokenFor } from "./address.ts";
import { type Core, passingCoreOf } from "./core.ts";
import { type Ground, logOf } from "./ground.ts";
import type { Around, BridgeOptions } from "./options.ts";
import { adopt } from "./running.ts";

/** How a command of ours reaches a proxy that listens. */
export interface ReachOptions extends Pick<BridgeOptions, "stateDir" | "env" | "version" | "url" | "token" | "filter" | "timeoutMs"> {}

/** A proxy that listens, for a command that asks it this or that. */
export interface Reached {
  /** Its servers. Throws SERVER_AWAY, and TOKEN_INVALID or SCOPE_MISSING where the token does not open that. */
  servers(): Promise<readonly ServerFacts[]>;
  /** Asks these servers from now on; whoever was asked before is not any more. Throws USAGE for a URL that is none. */
  ask(names: readonly string[]): Promise<Asking>;
  close(): Promise<void>;
}

/** Some servers of it, each as it is by itself. */
export interface Asking {
  describe(server: string): Promise<Description>;
  /** Makes one call and follows it to its end. Never throws for an expected failure. */
  call(server: string, request: Omit<OwnRequest, "principal" | "selection">): Promise<Outcome>;
}

/** Finds the running proxy, and asks it nothing yet. Throws SERVER_AWAY where none runs, STATE_UNSAFE, USAGE. */
export async function reach(options: ReachOptions): Promise<Reached> {
  const found = options.url ?? (await readPresence(options.stateDir, systemClock))?.url ?? null;
  if (found === null) throw fault("SERVER_AWAY", { hint: "start one with `1mcp serve`, or `1mcp serve --background`" });
  const token = await tokenFor(found, options);
  const asked = new Set<Core>();
  return {
    servers: () => serversAt(found, token, options),
    async ask(names) {
      const urls = Object.fromEntries(names.map((name) => [name, serverUrl(found, name, options.filter)]));
      const core = await reaching(options, reachConfig(urls, { token, timeoutMs: options.timeoutMs }));
      asked.add(core);
      const { hub, eras } = core;
      return {
        describe: (server) => hub.describe(operator, { server }),
        call: (server, request) => eras.call({ ...request, principal: operator, selection: { server } }),
      };
    },
    async close() {
      for (const { eras, hub, forget } of asked) {
        await eras.close();
        await hub.close(0);
        forget();
      }
      asked.clear();
    },
  };
}

async function reaching(options: ReachOptions, config: Config): Promise<Core> {
  const around: Around = { ...options, logLevel: "error", pretty: false, writeLog: () => undefined };
  const ground: Ground = { ...logOf(around), audit: nullAudit, options: around, config, hash: null, watchdogArgv: null, selfArgv: null, source: null, admits: null };
  const core = await passingCoreOf(ground, (hub) => hub);
  await adopt(ground, core, config);
  return core;
}

/** One server's own endpoint, beside the one for all that is known. */
function serverUrl(url: string, server: string, filter: string | null | undefined): string {
  const parsed = new URL(url);
  parsed.pathname = `/mcp/${encodeURIComponent(server)}`;
  return narrowedUrl(parsed.href, filter);
}

async function serversAt(url: string, token: string | null, { env, timeoutMs }: ReachOptions): Promise<readonly ServerFacts[]> {
  const egress = createEgress({ limits: defaultLimits, env });
  // Nothing of the rest may be shown: there may be a secret in it.
  const { origin } = new URL(url);
  const patience = new AbortController();
  const timer = systemClock.timer(timeoutMs, () => patience.abort());
  try {
    const headers: Record<string, string> = token === null ? {} : { Authorization: `Bearer ${token}` };
    const reply = await egress.send(new URL("/health/mcp", url).href, { method: "GET", headers, signal: patience.signal, backend: "1mcp" });
    const body = new TextDecoder().decode(await reply.all(defaultLimits.messageBytesMax));
    assertTold(reply.status, token, origin);
    const facts = factsIn(body);
    if (facts === null) throw fault("SERVER_AWAY", { detail: `${origin} is answered by another program` });
    return facts;
  } catch (thrown) {
    throw patience.signal.aborted ? fault("SERVER_AWAY", { detail: `${origin} does not answer within ${timeoutMs} ms`, cause: thrown }) : awayOf(thrown, origin);
  } finally {
    timer.cancel();
  }
}

function assertTold(status: number, token: string | null, origin: string): void {
  if (status === 401) throw fault(token === null ? "TOKEN_MISSING" : "TOKEN_INVALID", { hint: "give the token in ONE_MCP_TOKEN or --token-file" });
  if (status === 403) throw fault("SCOPE_MISSING", { detail: "to see its servers" });
  if (status !== 200 && status !== 202) throw fault("SERVER_AWAY", { detail: `${origin} answers with status ${status}` });
}

/** Null: this is nothing that one of our kind says. */
function factsIn(body: string): readonly ServerFacts[] | null {
  try {
    const { details } = (JSON.parse(body) as McpHealth).servers;
    return typeof details === "object" && details !== null ? Object.values(details) : null;
  } catch {
    return null;
  }
}

const notThere: readonly string[] = Object.freeze(["BACKEND_DOWN", "BACKEND_GONE", "BACKEND_REFUSED"]);

/** Whatever keeps somebody from answering means that there is nobody to ask. */
function awayOf(thrown: unknown, origin: string): Fault {
  const why = faultOf(thrown);
  return notThere.includes(why.code) ? fault("SERVER_AWAY", { detail: `${origin}: ${why.message.replace(/^1mcp: /, "")}`, cause: thrown }) : why;
}
