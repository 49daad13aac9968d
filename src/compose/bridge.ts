/**
 * A bridge from one client on its pipes to a proxy that listens, which may go, and come again elsewhere. To the rest of
 * this program that proxy is a configuration with one server, which changes as that proxy comes and goes.
 */
import { faultOf, fingerprint, fixedBounds, type Log, nullAudit, systemClock } from "../base/index.ts";
import { bridgeConfig, bridgedName, type Config, type FollowedPresence, followPresence, type Loaded, presencePath } from "../config/index.ts";
import { type Hub, patient } from "../hub/index.ts";
import type { Serve } from "../protocol/index.ts";
import { narrowedUrl, tokenFor } from "./address.ts";
import { nothing, passingCoreOf } from "./core.ts";
import { logOf } from "./ground.ts";
import type { BridgeOptions, Piped } from "./options.ts";
import { piped } from "./piped.ts";
import { filledIn } from "./templates.ts";

/** Bridges one client on its pipes to a proxy that listens, whether it does so now or later. Throws USAGE, STATE_UNSAFE. */
export async function startBridge(options: BridgeOptions): Promise<Piped> {
  const { url, stateDir } = options;
  const followed = followPresence(stateDir, systemClock);
  const logs = logOf(options);
  const source = { path: presencePath(stateDir), load: (): Promise<Loaded> => bridged(options, followed, logs.log).then((found) => ({ ok: true, ...found, warnings: [] }), unusable) };
  const found = await bridged(options, followed, logs.log);
  const admits = url === null ? (to: string) => followed.admits(to) : null;
  // Whose servers all run at the other end has nothing to confine or to end.
  const { watchdogArgv = null, selfArgv = null } = found.isAlone ? {} : (options.project ?? {});
  // Whoever is bridged decides nothing about anybody, so that nothing is to be written down.
  const ground = { ...logs, audit: nullAudit, options, ...found, watchdogArgv, selfArgv, source: url === null ? source : null, admits };
  let look = nothing;
  const bridge = (hub: Hub): Serve => patient(hub, { server: bridgedName, clock: systemClock, firstMs: options.timeoutMs, awayMs: fixedBounds.awayMsMax, starting: options.starting, look: () => void look() });
  const bridging = await piped(ground, await passingCoreOf(ground, bridge), options.pipes, { server: found.isAlone ? bridgedName : null });
  look = async () => {
    options.missed();
    void bridging.reload();
  };
  // One may have announced itself since it was looked for first.
  void bridging.reload();
  return bridging;
}

/** The proxy at the other end of a bridge, as a configuration. */
async function bridged(options: BridgeOptions, followed: FollowedPresence, log: Log): Promise<{ readonly config: Config; readonly hash: string; readonly isAlone: boolean }> {
  const { url, timeoutMs, filter } = options;
  const found = url ?? (await followed.find())?.url ?? null;
  const own = found === null ? options.token : await tokenFor(found, options);
  const beside = await filledIn(options, log);
  const config = bridgeConfig(found === null ? null : { url: narrowedUrl(found, filter), token: own, timeoutMs }, beside);
  return { config, hash: fingerprint([found, own, beside.map((spec) => spec.fingerprint)]), isAlone: beside.length === 0 };
}

// What was found by itself may become unusable while we run, and usable again.
const unusable = (thrown: unknown): Loaded => ({ ok: false, hash: null, issues: [{ path: [], line: 0, column: 0, message: faultOf(thrown).message, hint: null, server: null }] });
