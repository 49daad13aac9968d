/** The property list by which launchd runs the server (launchd.plist(5)): as a daemon of the machine, or an agent of one user. */
import { dirname, join } from "node:path";
import { serviceUser, type ServiceFacts } from "./unit.ts";

// The service's name for launchd, and of its file.
const plistLabel = "1mcp.serve";

type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };

/** The list's text. */
export function plistOf({ argv, stateDir, isUser, path }: ServiceFacts): string {
  const environment = { ...(path === null ? {} : { PATH: path }), ...(isUser ? {} : { HOME: stateDir }) };
  const list: Value = {
    Label: plistLabel,
    ProgramArguments: argv,
    RunAtLoad: true,
    // Again after a failure only, and not more often than that.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 90,
    ProcessType: "Background",
    Umask: 0o077,
    WorkingDirectory: isUser ? dirname(stateDir) : stateDir,
    StandardErrorPath: join(stateDir, "serve.log"),
    ...(Object.keys(environment).length === 0 ? {} : { EnvironmentVariables: environment }),
    ...(isUser ? {} : { UserName: `_${serviceUser}`, GroupName: `_${serviceUser}` }),
  };
  return `${head}<plist version="1.0">\n${xmlOf(list, "")}\n</plist>\n`;
}

const head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n';

function xmlOf(value: Value, indent: string): string {
  if (typeof value === "string") return `${indent}<string>${escaped(value)}</string>`;
  if (typeof value === "number") return `${indent}<integer>${value}</integer>`;
  if (typeof value === "boolean") return `${indent}<${value}/>`;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `${indent}<array>\n${value.map((one: string) => xmlOf(one, inner)).join("\n")}\n${indent}</array>`;
  const rows = Object.entries(value).map(([key, one]) => `${inner}<key>${escaped(key)}</key>\n${xmlOf(one, inner)}`);
  return `${indent}<dict>\n${rows.join("\n")}\n${indent}</dict>`;
}

const entities: Readonly<Record<string, string>> = Object.freeze({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" });

const escaped = (text: string): string => text.replace(/[&<>"\t\n\r]/g, (one) => entities[one] ?? one);
