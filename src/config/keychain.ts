/**
 * One entry of the system's keychain, by the tool that the system has for it: `secret-tool` of libsecret, `security` of
 * macOS. By a tool and not by a library, because a keychain that is locked asks a person and waits, and a process can be
 * ended; where the tool is not there the runtime's own way is tried. Only names go onto a command line, never a secret.
 */
import { askTool, fixedBounds } from "../base/index.ts";
import type { Variables } from "./dotEnv.ts";
import type { Found } from "./reference.ts";

export interface KeychainOptions {
  readonly variables: Variables;
  readonly platform?: NodeJS.Platform;
  /** Absent: limits.keychainMsMax. */
  readonly msMax?: number;
}

/** Looks up the entry `service/name`. Never throws. */
export async function fromKeychain(entry: string, { variables, platform = process.platform, msMax = fixedBounds.keychainMsMax }: KeychainOptions): Promise<Found> {
  const [service = "", name = ""] = entry.split("/");
  // A tool would take it for one of its options.
  if (![service, name].every((word) => /^[^-\0][^\0]*$/.test(word))) return { problem: `needs the keychain's entry ${JSON.stringify(entry)}, which is no name` };
  const tool = tools[platform];
  if (tool === undefined) return fromRuntime(service, name, null);
  const argv = tool.argv(service, name);
  const asked = await askTool({ argv, env: environmentOf(variables), msMax, bytesMax: fixedBounds.secretFileBytesMax }).catch(() => null);
  // It is not there, or may not be run.
  if (asked === null) return fromRuntime(service, name, tool.advice);
  return foundIn(asked, entry, tool);
}

type Asked = Awaited<ReturnType<typeof askTool>>;

interface Tool {
  argv(service: string, name: string): readonly [string, ...string[]];
  /** The exit code for an entry that is not there, and nothing else wrong. */
  readonly missing: number;
  readonly advice: string;
}

const tools: Readonly<Partial<Record<NodeJS.Platform, Tool>>> = Object.freeze({
  linux: { argv: (service, name) => ["secret-tool", "lookup", "service", service, "account", name], missing: 1, advice: "secret-tool is not on the PATH; Debian has it in libsecret-tools" },
  darwin: { argv: (service, name) => ["security", "find-generic-password", "-s", service, "-a", name, "-w"], missing: 44, advice: "security is not on the PATH" },
});

function foundIn(asked: Asked, entry: string, tool: Tool): Found {
  const [name] = tool.argv("", "");
  const needed = `needs the keychain's entry ${entry}`;
  if (asked.kind === "late") return { problem: `${needed}, and ${name} did not answer in time: the keychain is locked, maybe` };
  if (asked.kind === "large") return { problem: `${needed}, which is larger than ${fixedBounds.secretFileBytesMax} bytes` };
  // Some versions end the value with a line break.
  if (asked.code === 0 && asked.output !== "") return { value: asked.output.replace(/\r?\n$/, "") };
  if (isMissing(asked, tool)) return { problem: `${needed}, which does not exist` };
  return { problem: `${needed}, which cannot be read (${wordOf(asked) ?? `${name}: exit code ${asked.code}`})` };
}

type Ended = Extract<Asked, { kind: "ended" }>;

const wordOf = ({ said }: Ended): string | undefined => said.split("\n").find((line) => line.trim() !== "")?.trim();

// libsecret's tool has one exit code for everything, and no word for an entry that is not there.
const isMissing = (asked: Ended, { missing }: Tool): boolean => asked.code === 0 || (asked.code === missing && (missing !== 1 || wordOf(asked) === undefined));

async function fromRuntime(service: string, name: string, advice: string | null): Promise<Found> {
  const more = advice === null ? "" : `; ${advice}`;
  try {
    const value = await Bun.secrets.get({ service, name });
    return value === null ? { problem: `needs the keychain's entry ${service}/${name}, which does not exist` } : { value };
  } catch (error) {
    return { problem: `needs the system's keychain, which cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}${more})` };
  }
}

// What finds the keychain of this session, and can ask its person: nothing else of ours is the tool's business.
const passed: readonly string[] = Object.freeze(["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"]);

const environmentOf = (variables: Variables): Record<string, string> => Object.fromEntries(passed.flatMap((name) => (variables.has(name) ? [[name, variables.get(name) ?? ""]] : [])));
