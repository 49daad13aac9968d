/**
 * `service print`: writes what a service manager needs to run this server, made for this executable and these folders.
 * It only prints: installing is a step that an administrator wants to see.
 */
import { isAbsolute, resolve } from "node:path";
import { fault, outputOf } from "../base/index.ts";
import { defaultConfigPath, defaultStateDir } from "../config/index.ts";
import { pathOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { plistOf } from "./plist.ts";
import { filterOf } from "./selection.ts";
import { machinePaths, type ServiceFacts, unitOf } from "./unit.ts";

type Printer = (facts: ServiceFacts) => Promise<string> | string;

const printers: Readonly<Record<string, Printer>> = Object.freeze({
  systemd: async (facts: ServiceFacts) => unitOf(facts, await systemdVersion()),
  launchd: plistOf,
});

/** Prints the unit or the property list. Throws USAGE. */
export const printService: Run = async (occasion) => {
  const { operand, stdout } = occasion;
  const printer = operand !== null && Object.hasOwn(printers, operand) ? printers[operand] : undefined;
  if (printer === undefined) throw fault("USAGE", { detail: `“service print” needs one of ${Object.keys(printers).join(", ")}` });
  stdout.write(await printer(factsOf(occasion)));
  return 0;
};

function factsOf(occasion: Occasion): ServiceFacts {
  const { settings, env, selfArgv } = occasion;
  const isUser = settings.user;
  const standard = isUser ? { configPath: defaultConfigPath(env), stateDir: defaultStateDir(env) } : machinePaths;
  const configPath = settings.config === null ? standard.configPath : resolve(settings.config);
  const stateDir = settings.stateDir === null ? standard.stateDir : resolve(settings.stateDir);
  return {
    argv: checked([...selfArgv, "serve", "--config", configPath, "--state-dir", stateDir, ...chosen(occasion)]),
    configPath,
    stateDir,
    isUser,
    // What a user has installed for himself lies where no service manager looks.
    path: isUser ? (env["PATH"] ?? "").split(":").filter(isAbsolute).join(":") || null : null,
  };
}

/** What was set for `serve` by the environment, which the service will not have. Throws USAGE. */
function chosen(occasion: Occasion): readonly string[] {
  const { host, port, logLevel, insecureNoAuth, gracefulRestart, strictSecrets, tokenFile, operatorPasswordFile } = occasion.settings;
  const values = Object.entries({ host, port, "log-level": logLevel === "info" ? null : logLevel, "token-file": pathOf(tokenFile), "operator-password-file": pathOf(operatorPasswordFile), filter: filterOf(occasion) });
  const switches = Object.entries({ "insecure-no-auth": insecureNoAuth, "graceful-restart": gracefulRestart, "strict-secrets": strictSecrets });
  return [...values.flatMap(([name, value]) => (value === null ? [] : [`--${name}`, String(value)])), ...switches.flatMap(([name, isOn]) => (isOn ? [`--${name}`] : []))];
}

function checked(argv: readonly string[]): readonly string[] {
  if (argv.some((word) => /[\u0000-\u001f\u007f]/.test(word))) throw fault("USAGE", { detail: "a path with control characters cannot be written into a service's description" });
  return argv;
}

/** The version of the systemd of this machine; null: there is none that says so. */
export async function systemdVersion(tool = "systemctl"): Promise<number | null> {
  const text = await outputOf([tool, "--version"]).catch(() => "");
  const version = /^systemd (\d+)/.exec(text)?.[1];
  return version === undefined ? null : Number(version);
}
