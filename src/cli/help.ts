/** Help, made from the two tables. Loads nothing else: it has to be there before one can blink. */
import { type Command, shownCommands } from "./commands.ts";
import { exitsOf, generalExits } from "./exits.ts";
import { type Flag, flags, isFor, variableOf } from "./flags.ts";
import { version } from "./version.ts";

const columnsMax = 79;
const gap = 2;

/**
 * Help for the program, or for the command (or group of commands) that `words` name. Only the flags of the one command
 * that is meant are in it: those of all would fill ten screens, and nobody would find the commands above them.
 */
export function helpText(words: readonly string[], colour: boolean): string {
  const title = (text: string): string => (colour ? `\u001b[1m${text}\u001b[0m` : text);
  const meant = shownCommands.filter((one) => words.every((word, index) => one.words[index] === word));
  const named = meant.length > 0 ? meant : shownCommands;
  const shown = named.map(usageOf);
  // Without a command it is the first one that is meant.
  const own = words.length === 0 ? shownCommands[0] : meant.find((one) => one.words.length === words.length);
  const sections = [
    `1mcp ${version}: one executable between AI clients and their MCP servers\n`,
    `${title("Usage:")} 1mcp ${lineOf(words, shown)} [flags]\n`,
    `${title("Commands:")}\n${rows(named.map((one, place) => [shown[place] ?? "", one.about]))}`,
    own === undefined ? "" : flagsOf(own.words.join(" "), title),
    `${title("Flags:")}\n${rows([...flags.filter(({ command }) => command === null).map((flag) => flagRow(flag, "")), ["-h, --help", "this text"], ["    --version", "the version"]])}`,
    named.length === 1 ? "" : paragraph(`\`1mcp ${[...words, "COMMAND"].join(" ")} --help\` shows the flags of a command.`),
    paragraph("Flags stand before or after the command. The environment variable in brackets sets the same; the command line wins."),
    `${title("Exit codes:")} ${generalExits.map(({ code, about }) => `${code} ${about}`).join(", ")}\n`,
    own === undefined || named.length > 1 ? "" : ownExits(own.words.join(" "), title),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

const lineOf = (words: readonly string[], shown: readonly string[]): string => (shown.length === 1 ? (shown[0] ?? "") : [...words, "[command]"].join(" "));

/** The words of a command, and what may follow them. */
export const usageOf = ({ words, operand, more, behind }: Command): string =>
  [...words, ...(operand === null ? [] : [`[${operand}]`]), ...(more === null ? [] : [`[${more}...]`]), ...(behind ? ["[-- COMMAND...]"] : [])].join(" ");

function flagsOf(name: string, title: (text: string) => string): string {
  const own = flags.filter((flag) => flag.command !== null && isFor(flag, name));
  return own.length === 0 ? "" : `${title(`Flags of ${name}:`)}\n${rows(own.map((flag) => flagRow(flag, name)))}`;
}

/** What its codes mean here, where that is more than elsewhere. */
function ownExits(name: string, title: (text: string) => string): string {
  const own = exitsOf(name);
  return own.length === 0 ? "" : `${title(`Exit codes of ${name}:`)}\n${rows(own.map(({ code, about }) => [String(code), about]))}`;
}

type Row = readonly [left: string, right: string];

function flagRow(flag: Flag, name: string): Row {
  const value = flag.value === null ? "" : ` ${flag.value}`;
  const short = flag.short === null ? "    " : `-${flag.short}, `;
  const standard = flag.standard === null ? "" : `; default ${flag.standard}`;
  const variable = variableOf(flag, name);
  return [`${short}--${flag.name}${value}`, `${flag.about}${standard}${variable === null ? "" : ` [${variable}]`}`];
}

/** Two columns, the right one wrapped. */
function rows(all: readonly Row[]): string {
  const left = Math.max(...all.map(([name]) => name.length)) + gap;
  const indent = " ".repeat(left + gap);
  return all.map(([name, about]) => `  ${name.padEnd(left)}${wrapped(about, columnsMax - indent.length).join(`\n${indent}`)}\n`).join("");
}

const paragraph = (text: string): string => `${wrapped(text, columnsMax).join("\n")}\n`;

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
