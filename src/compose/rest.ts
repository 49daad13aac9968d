/**
 * What a proxy leaves in its state folder, looked at where none runs: what was trusted, what was granted, and servers whose
 * proxy was killed. It hides that the parts of a running proxy are used for it, without the rest.
 */
import type { AuthOperator } from "../auth/index.ts";
import { leftEarlier, reapEarlier } from "../backend/index.ts";
import { defaultLimits, nullLog, systemClock } from "../base/index.ts";
import { inventoryOf } from "../catalog/index.ts";
import { emptyConfig } from "../config/index.ts";
import { createMemory, type Hub } from "../hub/index.ts";
import { trustOf } from "./core.ts";
import { auditOf, loggedConfigOf, logOf } from "./ground.ts";
import { authOf } from "./guard.ts";
import type { Around } from "./options.ts";

/** What was trusted of servers, where no proxy runs. */
export interface PinsAtRest extends Pick<Hub, "review" | "trust"> {
  close(): Promise<void>;
}

/** Looks at the files of a proxy that does not run: what its servers offered last, and what was trusted of that. Throws ConfigFault. */
export async function pinsAtRest(options: Around & { readonly configPath: string }): Promise<PinsAtRest> {
  const { config, ...logs } = await loggedConfigOf({ ...options, demoArgv: ["1mcp"] });
  const audit = auditOf(logs, options, config);
  const { stateDir } = options;
  const memory = createMemory({ stateDir, clock: systemClock, log: logs.log, limits: config.limits });
  const trust = trustOf({ options, config, log: logs.log, audit });
  await Promise.all([memory.recall(config), trust.recall(config)]);
  for (const spec of config.backends) {
    const offered = memory.of(spec);
    if (offered !== null) trust.withheld(spec, inventoryOf(offered, config.limits));
  }
  return {
    review: (server) => trust.review(server),
    trust: (server, digest) => trust.accept(server, digest),
    async close() {
      await trust.close();
      await audit.close();
    },
  };
}

/** Processes of servers whose proxy was killed. Throws where the system does not tell who runs. */
export const leftBehind = (stateDir: string): Promise<readonly number[]> => leftEarlier(stateDir);

/** Ends them, as the next start would. Never throws. */
export const endLeftBehind = (stateDir: string): Promise<void> => reapEarlier({ stateDir, clock: systemClock, limits: defaultLimits, log: nullLog });

/** Grants, where no proxy runs. */
export interface GrantsAtRest {
  readonly operator: AuthOperator;
  close(): Promise<void>;
}

/** Opens the grants of a proxy that does not run; a configuration that cannot be used is left aside. Throws STATE_UNSAFE, STATE_UNWRITABLE, STATE_BROKEN. */
export async function grantsAtRest(options: Around & { readonly configPath: string | null }): Promise<GrantsAtRest> {
  // Who has to end a grant now cannot wait until everything else is in order.
  const { config, ...logs } = await loggedConfigOf({ ...options, demoArgv: ["1mcp"] }).catch(() => ({ ...logOf(options), config: emptyConfig() }));
  const audit = auditOf(logs, options, config);
  const auth = await authOf({ ...logs, config, audit, options }, { ...options, insecureNoAuth: false }, null);
  return {
    operator: auth.operator,
    async close() {
      await auth.close();
      await audit.close();
    },
  };
}
