/**
 * A proxy that listens: the door is opened, announced and given to its owner, and taken back at the end. It hides in which
 * order, for one that starts as for one that takes over from another.
 */
import type { Auth, RemoteLogins } from "../auth/index.ts";
import { fault, faultOf, sleep, systemClock } from "../base/index.ts";
import { announcePresence, type Claim, claimState, type Config, defaultListen } from "../config/index.ts";
import { createFront, definitionActions, explainActions, type Facts, loginActions, openOperator, type Operator, pinActions, serverActions } from "../front/index.ts";
import type { Hub, Reloaded } from "../hub/index.ts";
import { type Core, coreOf, type OwnCore, whole } from "./core.ts";
import { type Ground, groundOf } from "./ground.ts";
import { authOf, loginSite } from "./guard.ts";
import { answering } from "./knock.ts";
import type { Listening, StartOptions } from "./options.ts";
import { adopt, running } from "./running.ts";

/** Starts a proxy and resolves when it listens; servers come up behind it. Throws ConfigFault and the Faults of listening and state. */
export async function start(options: StartOptions): Promise<Listening> {
  const ground = await groundOf(options);
  // Who takes over owns the folder when it is there; if it does not get so far, the other one goes on as the owner.
  const claim = options.takeover === true ? null : await claimState({ stateDir: options.stateDir, clock: systemClock, takeover: false });
  try {
    return await listening(ground, options, claim);
  } catch (thrown) {
    await claim?.release();
    throw thrown;
  }
}

async function listening(ground: Ground, options: StartOptions, claimed: Claim | null): Promise<Listening> {
  const core = await coreOf(ground);
  // Who takes over is asked from the first moment on what the other one was asked; else nobody waits for servers.
  if (options.takeover === true) await whole(core, () => warmed(ground, core));
  let reload = (): Promise<Reloaded> => Promise.reject(fault("SERVER_AWAY", { detail: "it is still starting" }));
  const { front, auth, announced, operator: door } = await whole(core, () => open(ground, options, core, () => reload()));
  const claim = claimed ?? (await claimState({ stateDir: options.stateDir, clock: systemClock, takeover: true }));
  const withdraw = async (): Promise<void> => {
    try {
      await announced.withdraw();
    } catch (thrown) {
      ground.log.warn("could not take back where it listens", { reason: faultOf(thrown).message });
    }
  };
  const stop = async (ms: number): Promise<void> => void (await Promise.all([withdraw(), front.close(ms)]));
  const leave = async (): Promise<void> => {
    await door?.close();
    core.logins.close();
    await auth.close();
    await claim.release();
  };
  if (options.takeover !== true) await adopt(ground, core, ground.config);
  const runs = await running(ground, { ...core, stop, leave });
  reload = () => runs.reload();
  const { limits } = ground.config;
  const giveWay = async (): Promise<void> => {
    await front.giveWay();
    await sleep(systemClock, limits.giveWayMs);
    await runs.close(limits.drainMsMax);
  };
  return { ...runs, url: front.url, tokenPath: auth.tokenPath, authMode: auth.mode, requests: auth.operator, giveWay, answers: answering(front.url, limits, ground.config.tls) };
}

/** Starts the servers and waits until each is ready or is known not to be soon, as for one that replaces another. */
async function warmed(ground: Ground, core: Core): Promise<void> {
  const { hub } = core;
  await adopt(ground, core, ground.config);
  const until = systemClock.now() + ground.config.limits.swapMsMax;
  while (systemClock.now() < until && hub.status().backends.some(({ state }) => state === "starting")) await sleep(systemClock, warmLookMs);
}

// Nothing announces that the last of them has settled.
const warmLookMs = 20;

async function open(ground: Ground, options: StartOptions, core: OwnCore, reload: () => Promise<Reloaded>) {
  const { config, log, meter } = ground;
  const { eras } = core;
  let listens = "";
  const auth = await authOf(ground, options, { hub: core.hub, listenUrl: () => listens });
  const facts = factsOf(ground, core, auth.mode !== "none");
  const front = await createFront({
    ...whereOf(options, config),
    eras,
    clientEra: config.clientEra,
    auth,
    sites: [loginSite(core.logins, auth)],
    publicUrl: config.publicUrl,
    allowedHosts: config.allowedHosts,
    allowedOrigins: config.allowedOrigins,
    trustedProxies: config.trustedProxies,
    presets: { has: (name) => core.hub.presets().has(name) },
    filter: options.filter ?? undefined,
    tls: config.tls,
    limits: config.limits,
    clock: systemClock,
    log,
    audit: ground.audit,
    facts,
    meter,
  }).catch(async (thrown: unknown) => {
    await auth.close();
    throw thrown;
  });
  listens = front.url;
  core.logins.serveAt(new URL(config.publicUrl ?? front.url).origin);
  auth.onEnded((ids) => void core.logins.forget(ids));
  const door = await operatorOf(ground, facts, { auth, hub: core.hub, logins: core.logins }, reload);
  const announced = await announcePresence(options.stateDir, { url: front.url, version: options.version, operator: door?.path ?? null }, systemClock).catch(async (thrown: unknown) => {
    await Promise.all([front.close(0), door?.close(), auth.close()]);
    throw thrown;
  });
  return { front, auth, announced, operator: door };
}

const whereOf = ({ host, port, freePort = 0, sharePort = false }: StartOptions, config: Config) => ({
  listen: { host: host ?? config.host ?? defaultListen.host, port: (port ?? config.port ?? defaultListen.port) || freePort },
  sharePort,
});

const factsOf = ({ options, meter, callIds, startedAt }: Ground, { hub, eras }: Core, isGuarded: boolean): Facts => ({
  status: () => hub.status(),
  about: () => ({ version: options.version, startedAt, clients: eras.status(), isGuarded }),
  numbers: (format) => meter.text(format, callIds.textOf),
});

/** The operator's door. Without it everything else still works, so that it cannot be opened is told, and no more. */
function operatorOf({ options, config, log, tail }: Ground, facts: Facts, { auth, hub, logins }: { readonly auth: Auth; readonly hub: Hub; readonly logins: RemoteLogins }, reload: () => Promise<Reloaded>): Promise<Operator | null> {
  return openOperator({ stateDir: options.stateDir, facts, auth: auth.operator, actions: [...loginActions(logins), ...pinActions(hub), ...explainActions(hub), ...definitionActions(hub), ...serverActions(hub, tail, systemClock, config.limits)], clock: systemClock, log, reload }).catch((thrown: unknown) => {
    log.warn("the operator's socket cannot be opened: `1mcp status` and `1mcp config reload` do without it", { reason: String(faultOf(thrown).cause ?? faultOf(thrown).message) });
    return null;
  });
}
