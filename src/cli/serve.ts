/**
 * `serve`: starts the proxy, says where it is, and turns signals into what an operator expects of them. The proxy itself
 * is put together elsewhere; here is only its life as a process.
 */
import { resolve } from "node:path";
import { defaultLimits, fault, faultOf, sleep, systemClock } from "../base/index.ts";
import { ConfigFault, type Running, start } from "../compose.ts";
import { defaultConfigPath, defaultStateDir } from "../config/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { faultText, issueText } from "./print.ts";
import { version } from "./version.ts";

// Each step of closing has its own bound; this one is for the bug in them, and below the 90 s of service managers.
const closeMsMax = defaultLimits.drainMsMax;

// One Ctrl-C in a terminal arrives several times, from the terminal and from each runner above us that passes it on.
const sameSignalMs = 250;

/** Serves until a signal ends it. Gives 0 after a clean end, 1 after a hurried one. Throws the Faults of a failed start. */
export const serve: Run = async (occasion) => {
  const life = createLife(occasion);
  try {
    const running = await starting(occasion);
    occasion.stderr.write(greeting(occasion, running));
    life.began(running);
    return await life.ended;
  } finally {
    life.forget();
  }
};

async function starting({ settings, env, stderr, selfArgv }: Occasion): Promise<Running> {
  try {
    return await start({
      configPath: settings.config === null ? null : resolve(settings.config),
      host: settings.host,
      port: settings.port,
      stateDir: settings.stateDir === null ? defaultStateDir(env) : resolve(settings.stateDir),
      logLevel: settings.logLevel,
      insecureNoAuth: settings.insecureNoAuth,
      env,
      demoArgv: [...selfArgv, "demo"],
      version,
      writeLog: (line) => stderr.write(`${line}\n`),
      pretty: await stderr.isTerminal(),
    });
  } catch (thrown) {
    if (thrown instanceof ConfigFault) for (const issue of thrown.issues) stderr.write(issueText(thrown.path, issue));
    throw thrown;
  }
}

/** Where the proxy is and how to get in; never the token itself, which would stay in logs and on screens. */
function greeting({ env }: Occasion, { url, tokenPath, configPath }: Running): string {
  const config = configPath ?? `none at ${defaultConfigPath(env)}; serving the demonstration server`;
  const token = tokenPath === null ? "none asked for: every program on this computer may call" : `in ${tokenPath}; send it as “Authorization: Bearer …”`;
  return `1mcp ${version} listens on ${url}\n  config: ${config}\n  token:  ${token}\n`;
}

interface Life {
  /** From now on there is something to reload and to close. */
  began(running: Running): void;
  readonly ended: Promise<number>;
  /** Takes its hands off the signals. */
  forget(): void;
}

/**
 * Listens from before the start, since a start has children already that must not be left behind: INT and TERM close
 * (what is still starting is closed when it is there), a second one ends at once, HUP reads the configuration again. A
 * bug that nobody caught closes too, for what it leaves is unknown; a promise that nobody looked at is only told of.
 */
function createLife({ signals, stderr, clock }: Occasion): Life {
  const ended = Promise.withResolvers<number>();
  let running: Running | null = null;
  let closing: (() => void) | null = null;
  let stoppedAt = 0;

  const closeThen = (settle: () => void): void => {
    closing = settle;
    if (running !== null) void closed(running).then(settle, ended.reject);
  };
  const stop = (): void => {
    if (closing !== null) {
      if (clock.now() - stoppedAt >= sameSignalMs) ended.resolve(1);
      return;
    }
    stoppedAt = clock.now();
    stderr.write("1mcp is shutting down; once more ends it at once\n");
    closeThen(() => ended.resolve(0));
  };
  const listeners = {
    SIGINT: stop,
    SIGTERM: stop,
    SIGHUP: () => void running?.reload(),
    uncaughtException: (thrown: unknown) => closeThen(() => ended.reject(thrown)),
    unhandledRejection: (reason: unknown) => stderr.write(faultText(faultOf(reason))),
  };
  for (const [name, listener] of Object.entries(listeners)) signals.on(name, listener);
  return {
    began(started) {
      running = started;
      if (closing !== null) closeThen(closing);
    },
    ended: ended.promise,
    forget() {
      for (const [name, listener] of Object.entries(listeners)) signals.off(name, listener);
    },
  };
}

async function closed(running: Running): Promise<void> {
  const late = sleep(systemClock, closeMsMax).then(() => Promise.reject(fault("INTERNAL", { op: "close", detail: `shutting down took longer than ${closeMsMax} ms` })));
  await Promise.race([running.close(), late]);
}
