/**
 * The hub as a bridge shows it: its one server is another proxy, which may be away and come back. A client on a pipe
 * cannot see that, so it must not wait for a server that may never come: it is told within a second.
 */
import { type Cancel, type Clock, type Fault, fault, sleep } from "../base/index.ts";
import { type Call, type Description, type Outcome, type Principal, rpcErrorOf, type Selection, type Serve } from "../protocol/index.ts";
import type { Hub } from "./types.ts";

export interface PatienceOptions {
  /** The one that may be away; others beside it are not waited for. */
  readonly server: string;
  readonly clock: Clock;
  /** How long the first handshake may take; after that a client waits for `awayMs` only. */
  readonly firstMs: number;
  readonly awayMs: number;
  /** A server is being started, which takes its time. */
  readonly starting: () => boolean;
  /** Somebody asks for a server that is not there: it is worth a look whether one is known by now. */
  readonly look: () => void;
}

// Nothing announces that a server is ready; who waits looks this often.
const lookMs = 20;

const connected: readonly (string | undefined)[] = Object.freeze(["ready", "degraded"]);

/** What the front of a bridge is served by. */
export function patient(hub: Hub, options: PatienceOptions): Serve {
  const { clock } = options;
  const stateOf = () => hub.status().backends.find(({ name }) => name === options.server);
  const isReady = (): boolean => connected.includes(stateOf()?.state);

  const patienceMs = (): number => {
    const status = stateOf();
    return status?.state === "starting" && status.restarts === 0 ? options.firstMs : options.awayMs;
  };

  /** Whether there is somebody to serve. */
  const comes = async (cancel?: Cancel): Promise<boolean> => {
    options.look();
    let since = clock.now();
    while (!isReady()) {
      if (options.starting()) since = clock.now();
      if (cancel?.cancelled === true || clock.now() - since >= patienceMs()) return false;
      await sleep(clock, lookMs);
    }
    return true;
  };

  const away = (): Fault => {
    const reason = stateOf()?.reason ?? null;
    return fault("SERVER_AWAY", reason === null ? {} : { detail: reason });
  };

  return {
    async call(call: Call): Promise<Outcome> {
      return isReady() || (await comes(call.cancel)) ? hub.call(call) : { kind: "failed", error: rpcErrorOf(away()) };
    },
    async describe(principal: Principal, selection: Selection): Promise<Description> {
      if (!isReady() && !(await comes())) throw away();
      return hub.describe(principal, selection);
    },
    watch: (watch) => hub.watch(watch),
    tool: (principal, selection, name) => hub.tool(principal, selection, name),
  };
}
