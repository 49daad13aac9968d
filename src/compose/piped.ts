/**
 * A proxy with one client on its pipes and no listener: whoever started it is the client, and the operator too. It hides
 * that what the end has to say must get out before the pipes go.
 */
import { operator } from "../auth/index.ts";
import { sleep, systemClock } from "../base/index.ts";
import { createStdioFront, type StdioFront } from "../front/index.ts";
import type { Selection } from "../protocol/index.ts";
import { type Core, coreOf, nothing } from "./core.ts";
import { type Ground, groundOf } from "./ground.ts";
import type { Piped, Pipes, StdioOptions } from "./options.ts";
import { adopt, running } from "./running.ts";

/** Serves one client on its pipes, without a listener. Throws ConfigFault and the Faults of the state folder. */
export async function startStdio(options: StdioOptions): Promise<Piped> {
  const ground = await groundOf(options);
  return piped(ground, await coreOf(ground), options.pipes, options.filter ? { server: null, filter: options.filter } : { server: null });
}

/** Serves this client with that core until it has gone or the proxy is closed. */
export async function piped(ground: Ground, core: Core, { input, output }: Pipes, selection: Selection): Promise<Piped> {
  const { log, config } = ground;
  const { limits } = config;
  let front: StdioFront | null = null;
  // What the end of the program says to the client must get out first, if the client reads it.
  const leave = (): Promise<void> => Promise.race([front?.close(), sleep(systemClock, limits.farewellMs)]);
  await adopt(ground, core, config);
  const runs = await running(ground, { ...core, stop: nothing, leave });
  front = createStdioFront({ input, output, open: (send) => core.eras.stdio({ principal: operator, selection, send }), clock: systemClock, limits, log });
  void front.gone.then((how) => log.info("the client has gone", { how }));
  return { ...runs, gone: front.gone };
}
