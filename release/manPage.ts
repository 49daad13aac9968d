/** The manual page 1mcp(1), made from the tables of commands and flags that the program itself reads: it cannot say anything else. */
import { type Command, shownCommands } from "../src/cli/commands.ts";
import { type Exit, exitsOf, generalExits } from "../src/cli/exits.ts";
import { type Flag, flags, isFor, variableOf } from "../src/cli/flags.ts";

export interface ManPage {
  readonly version: string;
  /** Seconds since the epoch. */
  readonly epoch: number;
}

/** The page in the man macros (man(7)). */
export function manPageOf({ version, epoch }: ManPage): string {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return [
    `.TH 1MCP 1 ${date} "1mcp ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "1mcp \\- one executable between AI assistants and their MCP servers",
    ".SH SYNOPSIS",
    ".B 1mcp",
    "[\\fIcommand\\fR] [\\fIflags\\fR]",
    ".SH DESCRIPTION",
    roff("1mcp starts, watches and guards the MCP servers that are listed in one file, and offers them all at one address to every client, whatever revision of the protocol each side speaks. Without a command it serves."),
    ".PP",
    roff("Flags stand before or after the command. Many can be set by the environment variable in brackets; the command line wins."),
    ".SH COMMANDS",
    ...shownCommands.flatMap(commandLines),
    ".SH OPTIONS",
    ...flags.filter(({ command }) => command === null).flatMap((flag) => flagLines(flag, null)),
    ...item(bold("-h"), bold("--help")),
    roff("help, also for a command."),
    ...item(bold("--version")),
    roff("the version."),
    ".SH EXIT STATUS",
    ...generalExits.flatMap(exitLines),
    ".PP",
    roff("Some commands have codes of their own, which stand with them."),
    ".SH FILES",
    ...item(italic("~/.config/1mcp/mcp.json")),
    roff("the configuration of a user"),
    ...item(italic("~/.local/state/1mcp")),
    roff("a user's state: tokens, what servers have defined, the audit log"),
    ...item(italic("/etc/1mcp/mcp.json"), italic("/var/lib/1mcp")),
    roff("the same for the machine's own service, 1mcp.service"),
    "",
  ].filter((line, place, all) => line !== "" || place === all.length - 1).join("\n");
}

function commandLines(command: Command): string[] {
  const name = command.words.join(" ");
  const own = flags.filter((flag) => flag.command !== null && isFor(flag, name));
  const words = [command.operand, command.more === null ? null : `${command.more}...`, command.behind ? "-- COMMAND..." : null].filter((word) => word !== null);
  return [...item([bold(`1mcp ${name}`), ...words.map((word) => `[${italic(word)}]`)].join(" ")), roff(`${command.about}.`), ...inset(own.flatMap((flag) => flagLines(flag, name))), ...ownExits(name)];
}

/** Lines that belong to what stands above them. */
const inset = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : [".RS", ...lines, ".RE"]);

const ownExits = (name: string): string[] => {
  const own = exitsOf(name);
  return inset(own.length === 0 ? [] : ["Exit status:", ...own.flatMap(exitLines)]);
};

const exitLines = ({ code, about }: Exit): string[] => [...item(bold(String(code))), roff(`${about}.`)];

function flagLines(flag: Flag, command: string | null): string[] {
  const variable = variableOf(flag, command);
  const value = flag.value === null ? "" : ` ${italic(flag.value)}`;
  const standard = flag.standard === null ? "" : ` The default: ${flag.standard}.`;
  const names = [...(flag.short === null ? [] : [bold(`-${flag.short}`)]), `${bold(`--${flag.name}`)}${value}`];
  return [...item(...names), roff(`${flag.about}.${standard}${variable === null ? "" : ` [${variable}]`}`)];
}

const item = (...names: readonly string[]): readonly string[] => [".TP", names.join(", ")];
const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

/** A text that stands for itself: a dash is one that can be copied, no line of it is a command, and what is not ASCII is named. */
export function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("~", "\\(ti").replaceAll("^", "\\(ha");
  const named = escaped.replaceAll(/[^\x00-\x7f]/gu, (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`);
  return named.replaceAll(/^(?=[.'])/gm, "\\&");
}
