/** `completion`: what a shell needs to complete our command lines, made from the tables of commands and flags, so that it never knows another program than this one. */
import { fault, nearestOf } from "../base/index.ts";
import { type Flag, flags, isFor } from "./flags.ts";
import type { Run } from "./occasion.ts";

/** A command as the table has it, which itself loads this file. */
interface Named {
  readonly words: readonly string[];
  readonly about: string;
  readonly operand: string | null;
}

/** Gives what prints it for a program with these commands. That throws USAGE for a shell that is none of these. */
export const completionOf = (commands: readonly Named[]): Run => ({ operand, stdout }) => {
  const make = operand === null || !Object.hasOwn(shells, operand) ? null : shells[operand];
  if (make === null || make === undefined) throw unknownShell(operand);
  stdout.write(make(placesOf(commands)));
  return Promise.resolve(0);
};

function unknownShell(operand: string | null) {
  const names = Object.keys(shells);
  const near = operand === null ? null : nearestOf(operand, names);
  return fault("USAGE", { detail: operand === null ? "for which shell?" : `“${operand}” is no shell that is known here`, hint: near === null ? `there are: ${names.join(", ")}; as in: source <(1mcp completion bash)` : `did you mean ${near}?` });
}

/** What stands at one place of the tree of commands. */
interface Place {
  /** The words up to here. */
  readonly path: string;
  readonly next: readonly { readonly word: string; readonly about: string }[];
  readonly flags: readonly Flag[];
  /** Whose names may follow; null: none that are known. */
  readonly names: Kind | null;
}

/** Operands whose names the program itself can be asked for, and how. */
const listings = Object.freeze({ SERVER: "mcp list --show-disabled", PRESET: "preset list", APP: "app list" });
type Kind = keyof typeof listings;
const isKind = (operand: string | null): operand is Kind => operand !== null && Object.hasOwn(listings, operand);

// A shell looks for commands in what it is given to choose from, and a file that somebody else wrote is where these come from.
const plainNames = "cut -f 1 | grep -x '[A-Za-z0-9_.-]*'";

function placesOf(commands: readonly Named[]): readonly Place[] {
  const paths = new Set([""]);
  for (const { words } of commands) for (let length = 1; length <= words.length; length += 1) paths.add(words.slice(0, length).join(" "));
  return [...paths].map((path) => {
    const next = path === "completion" ? shellWords() : nextOf(commands, path).map((word) => ({ word, about: aboutOf(commands, path === "" ? word : `${path} ${word}`) }));
    // Without a command it is the first one that is meant.
    const operand = commands.find(({ words }) => words.join(" ") === path)?.operand ?? null;
    return { path, next, flags: flags.filter((flag) => isFor(flag, path === "" ? "serve" : path)), names: isKind(operand) ? operand : null };
  });
}

const shellWords = () => Object.keys(shells).map((word) => ({ word, about: `for ${word}` }));

/** The words that may follow those of a path. */
function nextOf(commands: readonly Named[], path: string): string[] {
  const length = path === "" ? 0 : path.split(" ").length;
  const below = commands.filter(({ words }) => words.length > length && words.slice(0, length).join(" ") === path);
  return [...new Set(below.map(({ words }) => words[length] ?? ""))];
}

/** What a command is for; of a group, what can be done in it. */
const aboutOf = (commands: readonly Named[], path: string): string => commands.find(({ words }) => words.join(" ") === path)?.about ?? nextOf(commands, path).join(", ");

const spelled = ({ name, short }: Flag): string[] => [`--${name}`, ...(short === null ? [] : [`-${short}`])];
const isPath = ({ value }: Flag): boolean => value === "FILE" || value === "DIR";
const valued = flags.filter(({ value }) => value !== null);
const questions = Object.freeze(["--help", "--version"]);

// In single quotes nothing means anything to a shell but the quote itself.
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The loop over the words so far, which bash and zsh write alike: where in the tree of commands we are. (To zsh the word path is where programs are found.) */
const walk = (words: string, first: number, last: string): string => `  local place="" word skip="" named=""
  local -i at
  for ((at = ${first}; at < ${last}; at++)); do
    word="\${${words}[at]}"
    if [[ -n "$skip" ]]; then skip=""; continue; fi
    case "$word" in
      ${valued.flatMap(spelled).join("|")}) skip=1; continue ;;
      -*) continue ;;
    esac
    case " $(__1mcp_next "$place") " in
      *" $word "*) place="\${place:+$place }$word" ;;
      *) named=1 ;;
    esac
  done`;

const tables = (places: readonly Place[]): string => `__1mcp_next() {
  case "$1" in
${places.map(({ path, next }) => `    ${quoted(path)}) echo ${quoted(next.map(({ word }) => word).join(" "))} ;;`).join("\n")}
  esac
}
__1mcp_flags() {
  case "$1" in
${places.map(({ path, flags: own }) => `    ${quoted(path)}) echo ${quoted([...own.map(({ name }) => `--${name}`), ...questions].join(" "))} ;;`).join("\n")}
  esac
}
__1mcp_names() {
  case "$1" in
${kindsIn(places).map(([kind, paths]) => `    ${paths.map(quoted).join("|")}) 1mcp ${listings[kind]} 2>/dev/null | tail -n +2 | ${plainNames} ;;`).join("\n")}
  esac
}`;

/** Each kind of names, and the commands that take one. */
const kindsIn = (places: readonly Place[]): [Kind, string[]][] => (Object.keys(listings) as Kind[]).map((kind) => [kind, places.filter(({ names }) => names === kind).map(({ path }) => path)]);

const bash = (places: readonly Place[]): string => `# Completion of 1mcp for bash: source <(1mcp completion bash)
${tables(places)}
_1mcp() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}"
${walk("COMP_WORDS", 1, "COMP_CWORD")}
  COMPREPLY=()
  case "$prev" in
    ${valued.filter(isPath).flatMap(spelled).join("|")}) compopt -o default 2>/dev/null; return ;;
    ${valued.filter((flag) => !isPath(flag)).flatMap(spelled).join("|")}) return ;;
  esac
  case "$cur" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(__1mcp_flags "$place")" -- "$cur") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(__1mcp_next "$place") $([[ -n "$named" ]] || __1mcp_names "$place")" -- "$cur") ;;
  esac
}
complete -F _1mcp 1mcp
`;

const zsh = (places: readonly Place[]): string => `#compdef 1mcp
# Completion of 1mcp for zsh: source <(1mcp completion zsh), or this as _1mcp in a folder of $fpath
${tables(places)}
_1mcp() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}"
${walk("words", 2, "CURRENT")}
  case "$prev" in
    ${valued.filter(isPath).flatMap(spelled).join("|")}) _files; return ;;
    ${valued.filter((flag) => !isPath(flag)).flatMap(spelled).join("|")}) return ;;
  esac
  case "$cur" in
    -*) compadd -- \${=$(__1mcp_flags "$place")} ;;
    *) compadd -- \${=$(__1mcp_next "$place")} \${=$([[ -n "$named" ]] || __1mcp_names "$place")} ;;
  esac
}
if [ "$funcstack[1]" = "_1mcp" ]; then _1mcp "$@"; else compdef _1mcp 1mcp; fi
`;

function fish(places: readonly Place[]): string {
  const words = places.flatMap(({ path, next }) => next.map(({ word, about }) => `complete -c 1mcp -n ${quoted(`__1mcp_at ${quoted(path)}`)} -a ${quoted(word)} -d ${quoted(about)}`));
  const options = places.flatMap(({ path, flags: own }) => own.map((flag) => `complete -c 1mcp -n ${quoted(`__1mcp_at ${quoted(path)}`)} -l ${flag.name}${flag.short === null ? "" : ` -s ${flag.short}`}${flag.value === null ? "" : isPath(flag) ? " -r -F" : " -x"} -d ${quoted(flag.about)}`));
  const names = kindsIn(places).flatMap(([kind, paths]) => paths.map((path) => `complete -c 1mcp -n ${quoted(`__1mcp_at ${quoted(path)}`)} -a ${quoted(`(1mcp ${listings[kind]} 2>/dev/null | tail -n +2 | ${plainNames})`)}`));
  return `# Completion of 1mcp for fish: 1mcp completion fish | source
function __1mcp_next
  switch "$argv[1]"
${places.map(({ path, next }) => `    case ${quoted(path)}\n      echo ${quoted(next.map(({ word }) => word).join("\n"))}`).join("\n")}
  end
end
function __1mcp_at
  set -l path ""
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch $word
      case ${valued.flatMap(spelled).join(" ")}
        set skip 1
        continue
      case '-*'
        continue
    end
    if contains -- $word (__1mcp_next "$path")
      set path (string trim "$path $word")
    end
  end
  test "$path" = "$argv[1]"
end
complete -c 1mcp -f
${[...words, ...names, ...options].join("\n")}
complete -c 1mcp -l help -d 'help'
complete -c 1mcp -l version -d 'the version'
`;
}

const shells: Readonly<Record<string, (places: readonly Place[]) => string>> = Object.freeze({ bash, zsh, fish });
