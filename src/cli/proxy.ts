/**
 * `proxy`: a client that can only start a program and talk to its pipes gets the running server all the same. It finds
 * that server by itself, finds it again when it was away, and can start it.
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fault, faultOf, fixedBounds, systemClock } from "../base/index.ts";
import { type BridgeOptions, type Piped, startBridge } from "../compose/index.ts";
import { contextOf, findProject, projectSelection } from "../config/index.ts";
import { ensureServer } from "./background.ts";
import { tokenOf } from "./bearer.ts";
import { configPathOf, stateDirOf } from "./configPath.ts";
import { createLife } from "./life.ts";
import type { Occasion, Run } from "./occasion.ts";
import { faultText } from "./print.ts";
import { filterOf } from "./selection.ts";
import { version } from "./version.ts";

/** Bridges until the client has gone, or a signal ends it. Gives 0 after a clean end, 1 after a hurried one. */
export const proxy: Run = async (occasion) => {
  const { settings, stderr } = occasion;
  if (settings.start && settings.url !== null) throw fault("USAGE", { detail: "--start starts the server of the state folder, so it goes without --url" });
  const life = createLife(occasion);
  let bridging: Piped | null = null;
  let starting = false;
  // It may be gone again later, so whoever asks then has it started too.
  const begin = (): void => {
    if (starting || !settings.start) return;
    starting = true;
    void started(occasion)
      .then(() => bridging?.reload())
      .catch((thrown: unknown) => stderr.write(faultText(faultOf(thrown))))
      .finally(() => (starting = false));
  };
  try {
    bridging = await startBridge({ ...(await optionsOf(occasion)), starting: () => starting, missed: begin });
    life.began(bridging);
    begin();
    void bridging.gone.then(() => life.finish());
    return await life.ended;
  } finally {
    life.forget();
  }
};

async function optionsOf(occasion: Occasion): Promise<Omit<BridgeOptions, "starting" | "missed">> {
  const { settings, env, stderr, pipes, selfArgv } = occasion;
  const project = await findProject(settings.project === null ? process.cwd() : await namedFolder(settings.project));
  return {
    stateDir: stateDirOf(occasion),
    logLevel: settings.logLevel,
    env,
    version,
    writeLog: (line) => stderr.write(`${line}\n`),
    pretty: await stderr.isTerminal(),
    url: settings.url,
    token: await tokenOf(occasion),
    timeoutMs: settings.timeoutMs,
    // What was typed counts, whatever the project says.
    filter: filterOf(occasion) ?? filterOf({ settings: { ...settings, tagFilter: null, ...projectSelection(project.file) }, given: new Map(), stderr }, { file: project.path }),
    project: { configPath: configPathOf(occasion), context: await contextOf(project, env), watchdogArgv: [...selfArgv, "watchdog"], selfArgv },
    pipes: pipes(),
  };
}

/** A folder that was named and is not there is a mistake: without its project's selection a client would see everything. */
async function namedFolder(given: string): Promise<string> {
  const folder = resolve(given);
  const isFolder = await stat(folder).then((found) => found.isDirectory(), () => false);
  if (!isFolder) throw fault("USAGE", { detail: `--project: there is no folder ${folder}`, hint: "name the folder that the project lies in; without the flag it is the one that the client starts it in" });
  return folder;
}

async function started(occasion: Occasion): Promise<void> {
  const { settings, env, selfArgv, stderr } = occasion;
  const flags = ["--log-level", settings.logLevel, ...(settings.config === null ? [] : ["--config", resolve(settings.config)])];
  const server = await ensureServer({ stateDir: stateDirOf(occasion), selfArgv, flags, env, clock: systemClock, msMax: fixedBounds.launchMsMax });
  stderr.write(`the server listens on ${server.url} (process ${server.pid})\n`);
}
