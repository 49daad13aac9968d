/**
 * Writes docs/commands.md from the tables of commands, flags and exit codes that the program itself reads, so that the page
 * cannot tell another story than the program. `bun run docs`; a test compares.
 */
import { join } from "node:path";
import { type Command, shownCommands } from "../../src/cli/commands.ts";
import { type Exit, exitsOf, generalExits } from "../../src/cli/exits.ts";
import { type Flag, flags, isFor, variableOf } from "../../src/cli/flags.ts";
import { usageOf } from "../../src/cli/help.ts";
import { projectDir } from "../fixtures/program.ts";

/** The page. */
export const pagePath = join(projectDir, "docs", "commands.md");

/** The page's text as it should be. */
export function commandsPage(): string {
  return [
    "# Commands",
    "Made by `bun run docs` from the tables that the program reads its command line by; a test compares the two. `1mcp --help`, `1mcp COMMAND --help` and the manual page say the same. What they are good for is in the [guide](guide.md).",
    groups().map(([group, members]) => `- ${group}: ${members.map(linkOf).join(" · ")}`).join("\n"),
    "## For all of them",
    "Words in brackets may be left out where the command has something to do without them. Flags stand before or after the command; a value follows its flag as a word of its own, or behind `=`. A variable sets the same as its flag, and the command line wins; where none is named, there is none. What is not known is refused, with what was probably meant.",
    flagTable([...flags.filter(({ command }) => command === null).map((flag) => flagRow(flag, null)), ["`-h`, `--help`", "help, also for a command", "", ""], ["`--version`", "the version", "", ""]]),
    "What is asked for goes to standard output, everything else to standard error. On a terminal it is set for people, in a pipe for programs; `--json` has everything where a command knows it. `NO_COLOR` is honoured.",
    "## Exit codes",
    exitTable(generalExits),
    "Commands with codes of their own have them below; what stands there counts before this.",
    ...groups().flatMap(([group, members]) => [`## ${titleOf(group)}`, ...members.flatMap(sectionOf)]),
  ].join("\n\n").concat("\n");
}

const nameOf = ({ words }: Command): string => words.join(" ");
const linkOf = (command: Command): string => `[${nameOf(command)}](#1mcp-${nameOf(command).replaceAll(" ", "-")})`;

/** Commands by what they are about: those with the same first word, and those that stand alone. */
const alone = "the proxy and what it offers";
function groups(): readonly (readonly [group: string, members: readonly Command[]])[] {
  const beginnings = shownCommands.map(({ words }) => words[0] ?? "");
  const groupOf = (command: Command): string => (beginnings.filter((word) => word === command.words[0]).length > 1 ? (command.words[0] ?? "") : alone);
  return [...Map.groupBy(shownCommands, groupOf)];
}

const titleOf = (group: string): string => (group === alone ? "The proxy and what it offers" : `1mcp ${group} …`);

function sectionOf(command: Command): string[] {
  const name = nameOf(command);
  const own = flags.filter((flag) => flag.command !== null && isFor(flag, name));
  const codes = exitsOf(name);
  return [
    `### 1mcp ${name}`,
    `\`1mcp ${usageOf(command)}${own.length === 0 ? "" : " [flags]"}\`: ${command.about}.`,
    ...(own.length === 0 ? [] : [flagTable(own.map((flag) => flagRow(flag, name)))]),
    ...(codes.length === 0 ? [] : [exitTable(codes)]),
  ];
}

function flagRow(flag: Flag, command: string | null): readonly string[] {
  const variable = variableOf(flag, command);
  const value = flag.value === null ? "" : ` ${flag.value}`;
  const names = [...(flag.short === null ? [] : [`-${flag.short}`]), `--${flag.name}${value}`, ...flag.aliases.map((alias) => `--${alias}`)];
  return [names.map((one) => `\`${one}\``).join(", "), flag.about, flag.standard ?? "", variable === null ? "" : `\`${variable}\``];
}

const flagTable = (rows: readonly (readonly string[])[]): string => table(["flag", "meaning", "default", "variable"], rows);
const exitTable = (rows: readonly Exit[]): string => table(["exit code", "when"], rows.map(({ code, about }) => [String(code), about]));

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => [head, head.map(() => "---"), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(" | ")} |`).join("\n");
const cell = (text: string): string => text.replaceAll("|", "\\|");

if (import.meta.main) await Bun.write(pagePath, commandsPage());
