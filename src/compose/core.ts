/**
 * Hub, backends and eras of one proxy, whatever its front: the only file that builds them. It hides which of them ask each
 * other for something, and what those have beside it that run servers of their own: memory, trust, logins, spans.
 */
import { createRemoteLogins, type RemoteLogins, stateKeys } from "../auth/index.ts";
import { createPool, reapEarlier } from "../backend/index.ts";
import { type Audit, createEgress, openExporting, randomBytes, routeConsole, systemClock } from "../base/index.ts";
import { emptyConfig } from "../config/index.ts";
import { createEras, type Eras } from "../era/index.ts";
import { createHub, createMemory, createPinFiles, type Hub, type Memory, openTracing, type Tracing, Trust } from "../hub/index.ts";
import type { Serve } from "../protocol/index.ts";
import type { Ground } from "./ground.ts";

/** Where there is nothing to do. */
export const nothing = (): Promise<void> => Promise.resolve();

/** What every proxy has, whatever its front. */
export interface Core {
  readonly hub: Hub;
  readonly eras: Eras;
  readonly audit: Audit;
  /** Logins at remote servers; null: there are none to be had. */
  readonly logins: RemoteLogins | null;
  /** Nothing is left that would have to be killed at the exit, or that would say anything. */
  readonly forget: () => void;
  /** Sends the spans that are left. */
  readonly flush: () => Promise<void>;
}

/** What one has that has servers of its own. */
export interface OwnCore extends Core {
  readonly logins: RemoteLogins;
}

interface Spans {
  readonly tracing: Tracing;
  readonly flush: () => Promise<void>;
}

/** What a proxy has that has servers of its own, null for one that asks another proxy's; and where its spans go. */
interface Own {
  readonly memory: Memory | null;
  readonly trust: Trust | null;
  readonly logins: RemoteLogins | null;
  readonly spans: Spans;
}

interface Keys {
  readonly cursor: Uint8Array;
  readonly seal: Uint8Array;
}

/** The core of a proxy with servers of its own. Throws the Faults of the state folder. */
export async function coreOf(ground: Ground): Promise<OwnCore> {
  const { log, config, options, audit } = ground;
  const { stateDir } = options;
  const { limits } = config;
  const keys = await stateKeys({ stateDir });
  void reapEarlier({ stateDir, clock: systemClock, limits, log });
  const memory = createMemory({ stateDir, clock: systemClock, log, limits });
  const logins = await createRemoteLogins({ ...poolParts(ground), audit, key: await keys.subkey("south") });
  const own = { memory, trust: trustOf(ground), logins, spans: await exportingOf(ground) };
  return { ...build(ground, { cursor: await keys.subkey("cursor"), seal: await keys.subkey("seal") }, (hub) => hub, own), logins };
}

/** The core of one whose servers another proxy has: it remembers nothing, trusts that one, and seals for as long as it lives itself. */
export async function passingCoreOf(ground: Ground, serveOf: (hub: Hub) => Serve): Promise<Core> {
  const keys = { cursor: randomBytes(keyBytes), seal: randomBytes(keyBytes) };
  return build(ground, keys, serveOf, { memory: null, trust: null, logins: null, spans: { tracing: await openTracing(null), flush: nothing } });
}

const keyBytes = 32;

/** What is trusted of servers, as far as the state folder has it; nothing is recalled yet. */
export function trustOf({ options, config, log, audit }: Pick<Ground, "options" | "config" | "log" | "audit">): Trust {
  const { limits } = config;
  return new Trust({ files: createPinFiles({ stateDir: options.stateDir, log, limits }), log, audit, limits });
}

async function exportingOf(ground: Ground): Promise<Spans> {
  const { options, config } = ground;
  const exporting = await openExporting({ ...ground, env: options.env, version: options.version, clock: systemClock, limits: config.limits, egress: createEgress({ limits: config.limits, env: options.env }) });
  return { tracing: await openTracing(exporting), flush: async () => exporting?.close() };
}

function build(ground: Ground, keys: Keys, serveOf: (hub: Hub) => Serve, { memory, trust, logins, spans: { tracing, flush } }: Own): Core {
  const { options, config, log, meter, callIds, audit } = ground;
  const identity = { name: "1mcp", version: options.version };
  // The hub asks the eras for connections, and the eras ask the hub to serve: neither does so before both are here.
  let eras: Eras | null = null;
  const connect: Eras["connect"] = (wire, how) => (eras === null ? Promise.reject(new Error("not assembled yet")) : eras.connect(wire, how));
  const hub = createHub({
    createPool: (events) => tracing.pool(createPool({ ...poolParts(ground), connect, remembered: (spec) => memory?.of(spec) ?? null, loginOf: (spec, owner) => logins?.of(spec, owner) ?? null }, events)),
    memory,
    trust,
    meter,
    audit,
    auditCalls: config.audit.calls,
    clock: systemClock,
    log,
    identity,
    cursorKey: keys.cursor,
    // A URL may name a preset as soon as the door is open.
    empty: Object.freeze({ ...emptyConfig(), presets: config.presets }),
  });
  // Whichever way this process ends, no server outlives it.
  const kill = (): void => hub.kill();
  process.on("exit", kill);
  const unroute = routeConsole({ log, clock: systemClock, limits: config.limits });
  const forget = (): void => {
    process.off("exit", kill);
    unroute();
  };
  eras = createEras({ serve: tracing.serve(serveOf(hub)), clock: systemClock, limits: config.limits, log, identity, sealKey: keys.seal, callIds, clientEra: config.clientEra });
  return { hub, eras, audit, logins, flush, forget };
}

function poolParts({ options, config, log, secrets, watchdogArgv, selfArgv, admits }: Ground) {
  const egress = createEgress({ limits: config.limits, env: options.env, admits });
  return { clock: systemClock, limits: config.limits, log, secrets, env: options.env, stateDir: options.stateDir, watchdogArgv, selfArgv, egress };
}

/** What is opened before the core, or neither: a core whose front cannot be opened is ended. Throws what opening throws. */
export async function whole<T>({ hub, audit, forget }: Core, opened: () => Promise<T>): Promise<T> {
  return Promise.try(opened).catch(async (thrown: unknown) => {
    await hub.close(0);
    forget();
    await audit.close();
    throw thrown;
  });
}
