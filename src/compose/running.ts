/**
 * The life of a proxy once it is put together: it follows its configuration, and ends in an order in which nobody is left
 * without a word. It hides what comes of a configuration that changes under it.
 */
import { type Audit, faultOf, type Limits, systemClock } from "../base/index.ts";
import { type Config, type ConfigWatch, type Loaded, watchConfig } from "../config/index.ts";
import { type Reloaded, reloadedOf } from "../hub/index.ts";
import type { Core } from "./core.ts";
import { type Ground, warn } from "./ground.ts";
import type { Running } from "./options.ts";

/** What runs. */
export interface Parts extends Core {
  /** Lets nobody new in, and waits at most this long for answers that are due. */
  readonly stop: (ms: number) => Promise<void>;
  /** The last thing, after everything has been said. */
  readonly leave: () => Promise<void>;
}

/** From now on it follows its configuration, until it is closed. */
export async function running(ground: Ground, parts: Parts): Promise<Running> {
  const { audit, config, options } = ground;
  audit.record({ ev: "start", result: options.version });
  let adopting: Promise<Adopted> = Promise.resolve({ restart: [], reason: null });
  const watch = await watched(ground, (path, loaded) => {
    adopting = take(ground, parts, path, loaded);
  });
  let closing: Promise<void> | null = null;
  return {
    configPath: config.path,
    async reload() {
      const before = parts.hub.status();
      await watch?.poke();
      const adopted = await adopting;
      return reloadedOf(before, parts.hub.status(), adopted);
    },
    status: () => parts.hub.status(),
    close: (drainMs = config.limits.shutdownMsMax) => (closing ??= end(parts, watch, drainMs, config.limits).finally(() => ended(ground.audit))),
  };
}

/** Follows what the configuration comes from. */
async function watched({ config, hash, source }: Ground, onChange: (path: string, loaded: Loaded) => void): Promise<ConfigWatch | null> {
  if (source === null) return null;
  const { path, load } = source;
  return watchConfig({ path, quietMs: config.limits.reloadQuietMs, clock: systemClock, hash, load, onChange: (loaded) => onChange(path, loaded) });
}

type Adopted = Pick<Reloaded, "restart" | "reason">;

async function take(ground: Ground, core: Core, path: string, loaded: Loaded): Promise<Adopted> {
  if (!loaded.ok) {
    core.hub.reject(loaded.issues, path);
    return { restart: [], reason: null };
  }
  warn(loaded.warnings, path, ground.log);
  const restart = warnOfRestart(ground, loaded.config);
  return { restart, reason: await adopt(ground, core, loaded.config) };
}

/** Puts a configuration in place; what goes wrong in doing so leaves the running one, is told, and is given. */
export async function adopt({ log }: Ground, { hub, logins }: Pick<Core, "hub" | "logins">, config: Config): Promise<string | null> {
  logins?.adopt(config.backends);
  try {
    await hub.propose(config);
    return null;
  } catch (thrown) {
    const reason = faultOf(thrown).message;
    log.error("the configuration could not be put in place, the running one goes on", { reason, path: config.path });
    return reason;
  }
}

const restartKeys = Object.freeze(["host", "port", "publicUrl", "allowedHosts", "allowedOrigins", "trustedProxies", "tls", "clientEra", "audit", "limits", "auth"] as const);

/** What the listener and the guard of the door were built with cannot change under them: said, never half applied. */
function warnOfRestart({ config: before, log }: Ground, next: Config): readonly string[] {
  const changed = restartKeys.filter((key) => JSON.stringify(builtWith(before, key)) !== JSON.stringify(builtWith(next, key)));
  if (changed.length > 0) log.warn("a changed setting needs a restart", { keys: changed.join(", ") });
  return changed;
}

// How a call beyond its grant is answered is the hub's business, which takes it over at once.
const builtWith = (config: Config, key: (typeof restartKeys)[number]): unknown => (key === "auth" ? { ...config.auth, stepUp: null } : config[key]);

async function ended(audit: Audit): Promise<void> {
  audit.record({ ev: "stop" });
  await audit.close();
}

/**
 * In this order: nobody new; running calls drain; whoever still waits is told so, on whatever stream, and standing
 * streams end; children go. The door is cut last, and only if something of that hangs.
 */
async function end({ stop, leave, eras, hub, forget, flush }: Parts, watch: ConfigWatch | null, drainMs: number, { farewellMs }: Limits): Promise<void> {
  watch?.close();
  const shut = stop(drainMs + farewellMs);
  eras.retire();
  await hub.drain(drainMs);
  await eras.close();
  await Promise.all([shut, hub.close(0)]);
  forget();
  await flush();
  await leave();
}
