/**
 * `serve`: starts the proxy, and says where it is. With `--stdio` it has one client, the one that started it, and
 * listens nowhere.
 */
import { fixedBounds } from "../base/index.ts";
import { ConfigFault, type Listening, type ServeOptions, start, startStdio } from "../compose/index.ts";
import { defaultConfigPath } from "../config/index.ts";
import { pathOf, stateDirOf } from "./configPath.ts";
import { createLife, type Life } from "./life.ts";
import { supervisorOf, supervisorVariables } from "./notify.ts";
import type { Occasion, Run } from "./occasion.ts";
import { issueText } from "./print.ts";
import { serveLogWriter } from "./serveLog.ts";
import { filterOf } from "./selection.ts";
import { predecessorOf, predecessorVariable, successionOf } from "./successor.ts";
import { askAtTerminal } from "./trustTerminal.ts";
import { version } from "./version.ts";

/** Serves until a signal ends it, or its one client has gone. Gives 0 after a clean end, 1 after a hurried one. Throws the Faults of a failed start. */
export const serve: Run = async (occasion) => {
  const life = createLife(occasion);
  try {
    await (occasion.settings.stdio ? begunOnPipes(occasion, life) : begun(occasion, life));
    return await life.ended;
  } catch (thrown) {
    if (thrown instanceof ConfigFault) for (const issue of thrown.issues) occasion.stderr.write(issueText(thrown.path, issue));
    throw thrown;
  } finally {
    life.forget();
  }
};

async function begun(occasion: Occasion, life: Life): Promise<void> {
  const { stderr, settings, env, clock } = occasion;
  const { host, port, insecureNoAuth } = settings;
  // Windows has neither the signal nor listeners that share a port.
  const sharePort = settings.gracefulRestart && process.platform !== "win32";
  const options = await optionsOf(occasion);
  const predecessor = sharePort ? predecessorOf(env) : null;
  const secrets = { ownTokenFile: pathOf(settings.tokenFile), operatorPasswordFile: pathOf(settings.operatorPasswordFile) };
  const running = await start({ ...options, ...secrets, host, port, insecureNoAuth, sharePort, freePort: predecessor?.port ?? 0, takeover: predecessor !== null });
  stderr.write(greeting(occasion, running));
  const leave = settings.trustTerminal ? await askAtTerminal(occasion, running.requests) : (): void => undefined;
  const supervisor = await supervisorOf({ env, clock, warn: (line) => stderr.write(`1mcp: ${line}\n`) });
  const told = supervisor.began(running);
  const handOver = async (pid: number): Promise<void> => {
    supervisor.handedTo(pid);
    leave();
    await running.giveWay();
    life.finish();
  };
  // What ends decides nothing any more, and its database is closed before the last of it has gone.
  const end = (): Promise<void> => {
    leave();
    return told.close();
  };
  if (!sharePort) return life.began({ ...told, close: end });
  const { succeed, abandon } = successionOf({ occasion, cwd: process.cwd(), stateDir: options.stateDir, url: running.url, handOver });
  // Whoever ends this one does not mean to get another in its place.
  const close = async (): Promise<void> => void (await Promise.all([abandon(), end()]));
  life.began({ ...told, succeed, close });
}

async function begunOnPipes(occasion: Occasion, life: Life): Promise<void> {
  const running = await startStdio({ ...(await optionsOf(occasion)), pipes: occasion.pipes() });
  occasion.stderr.write(`1mcp ${version} serves one client on stdin and stdout\n  config: ${configText(occasion, running.configPath)}\n`);
  life.began(running);
  void running.gone.then(() => life.finish());
}

/** Variables that tell this process alone something, and no server of ours. */
const own: readonly string[] = Object.freeze([...supervisorVariables, predecessorVariable]);

async function optionsOf(occasion: Occasion): Promise<ServeOptions> {
  const { settings, env, stderr, selfArgv } = occasion;
  const stateDir = stateDirOf(occasion);
  return {
    configPath: pathOf(settings.config),
    stateDir,
    logLevel: settings.logLevel,
    strictSecrets: settings.strictSecrets,
    filter: filterOf(occasion),
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name))),
    demoArgv: [...selfArgv, "demo"],
    watchdogArgv: [...selfArgv, "watchdog"],
    selfArgv,
    version,
    writeLog: serveLogWriter(stderr, stateDir, fixedBounds.launchLogBytesMax),
    pretty: await stderr.isTerminal(),
  };
}

/** Where the proxy is and how to get in; never the token itself, which would stay in logs and on screens. */
function greeting(occasion: Occasion, { url, tokenPath, authMode, configPath }: Listening): string {
  const token = tokenPath === null ? "none asked for: every program on this computer may call" : `in ${tokenPath}; send it as “Authorization: Bearer …”`;
  return `1mcp ${version} listens on ${url}\n  config: ${configText(occasion, configPath)}\n${authMode === "oauth" || authMode === "mixed" ? "  login:  a client with OAuth needs the address alone; `1mcp approve` decides about it\n" : ""}  token:  ${token}\n`;
}

const configText = ({ env }: Occasion, configPath: string | null): string => configPath ?? `none at ${defaultConfigPath(env)}; serving the demonstration server`;
