/**
 * `mcp list`: the servers as the configuration file has them. Read leniently, so that a mistake somewhere else in the file
 * is in nobody's way, and without what reading it in earnest would load. No value of a variable or header is shown.
 */
import { escapeControls, fault } from "../base/index.ts";
import { configText, parseDocument } from "../config/index.ts";
import { configPathOf, membersOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { isSecretArgument } from "./secretArgument.ts";
import { tableText } from "./table.ts";

/** One server. With `--json` a list of these is printed. */
export interface ListedServer {
  readonly name: string;
  readonly type: "stdio" | "http" | "sse" | "auto";
  readonly disabled: boolean;
  readonly tags: readonly string[];
  /** Of a program; arguments that look like secrets are masked. */
  readonly command: string | null;
  readonly args: readonly string[];
  readonly cwd: string | null;
  /** Of an address, without what stands behind its path. */
  readonly url: string | null;
  /** Names alone. */
  readonly env: readonly string[];
  readonly headers: readonly string[];
}

/** Lists those that are on, or all of them. Throws CONFIG_UNREADABLE where there is no file, CONFIG_INVALID where it is no JSON. */
export const list: Run = async (occasion) => {
  const { settings, stdout, given } = occasion;
  const all = await serversOf(occasion);
  const tags = (given.get("tags") ?? "").toLowerCase().split(",").map((tag) => tag.trim()).filter((tag) => tag !== "");
  const tagged = all.filter((server) => tags.length === 0 || server.tags.some((tag) => tags.includes(tag.toLowerCase())));
  // Whoever reads it by a program filters it by a program.
  const shown = tagged.filter(({ disabled }) => !disabled || given.has("show-disabled") || settings.json);
  if (settings.json) stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else stdout.write(await textOf(occasion, shown, tagged.length - shown.length));
  return 0;
};

async function serversOf(occasion: Occasion): Promise<ListedServer[]> {
  const path = configPathOf(occasion);
  const text = await configText(path);
  if (text === null) throw fault("CONFIG_UNREADABLE", { detail: `${path}: there is no such file`, hint: "`1mcp mcp add NAME -- COMMAND` makes it" });
  const { document, issues } = parseDocument(text);
  if (document === null) {
    const { issueText } = await import("./print.ts");
    for (const issue of issues) occasion.stderr.write(issueText(path, issue));
    throw fault("CONFIG_INVALID", { detail: path });
  }
  return Object.entries(membersOf(membersOf(document.value)["mcpServers"])).map(([name, entry]) => serverOf(name, membersOf(entry)));
}

function serverOf(name: string, entry: Readonly<Record<string, unknown>>): ListedServer {
  const args = listOf(entry["args"]).map((arg) => (typeof arg === "string" ? arg : "[secret]"));
  const command = textOrNull(entry["command"]);
  return {
    name,
    type: typeOf(textOrNull(entry["type"]), command),
    disabled: entry["disabled"] === true,
    tags: listOf(entry["tags"]).map(String),
    command,
    args: args.map((arg, place) => (isSecretArgument(arg, args[place - 1] ?? "") ? "[secret]" : arg)),
    cwd: textOrNull(entry["cwd"]),
    url: shownUrl(textOrNull(entry["url"])),
    env: namesOf(entry["env"]),
    headers: namesOf(entry["headers"]),
  };
}

function typeOf(type: string | null, command: string | null): ListedServer["type"] {
  if (command !== null) return "stdio";
  if (type === null) return "auto";
  return type === "sse" ? "sse" : "http";
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const namesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map((item) => String(item).split("=")[0] ?? "") : Object.keys(membersOf(value)));

/** Keys stand in queries, and before the host. */
const shownUrl = (url: string | null): string | null => url?.replace(/[?#].*$/s, "").replace(/^([^/]*\/\/)[^/@]*@/, "$1") ?? null;

async function textOf({ stdout, given }: Occasion, servers: readonly ListedServer[], hidden: number): Promise<string> {
  const rows = servers.map((server) => [server.name, server.disabled ? "off" : "on", server.type, server.tags.join(", ") || "-", targetOf(server)]);
  const table = await tableText([["SERVER", "IS", "TYPE", "TAGS", "TARGET"], ...rows], stdout);
  const details = given.has("verbose") ? servers.map(detailsOf).join("") : "";
  // Not for programs.
  const more = hidden > 0 && (await stdout.isTerminal()) ? `${hidden} more ${hidden === 1 ? "is" : "are"} switched off: --show-disabled\n` : "";
  return `${table}${details}${more}`;
}

const targetOf = ({ command, args, url }: ListedServer): string => (command === null ? (url ?? "-") : [command, ...args].join(" "));

const detailsOf = ({ name, cwd, env, headers }: ListedServer): string =>
  [`\n${escapeControls(name)}`, ...(cwd === null ? [] : [`  cwd:      ${escapeControls(cwd)}`]), ...(env.length === 0 ? [] : [`  env:      ${escapeControls(env.join(", "))}`]), ...(headers.length === 0 ? [] : [`  headers:  ${escapeControls(headers.join(", "))}`])].map((line) => `${line}\n`).join("");
