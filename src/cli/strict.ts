/**
 * Reads the command line and refuses what it does not know. The command library ignores unknown flags and takes a flag
 * without its value for an empty text; a typing error that starts a server with other settings than those meant must
 * not pass.
 */
import { nearestOf } from "../base/index.ts";
import { type Command, commandOf, commands, isBeginning, nextWords, shownCommands } from "./commands.ts";
import { type Flag, flags, type Given, isFor, withValue } from "./flags.ts";

export type CommandLine =
  | { readonly ok: true; readonly command: Command; readonly given: Given; readonly operand: string | null; readonly rest: readonly string[] }
  | { readonly ok: false; readonly problem: string; readonly hint: string | null; readonly words: readonly string[] };

/** The command and the flags given with it. Flags may stand before, between and after its words; the last one counts. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const reader = new Reader(argv);
  try {
    reader.read();
    return { ok: true, command: reader.command(), given: reader.given, operand: reader.operand, rest: reader.rest };
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return { ok: false, problem: thrown.message, hint: thrown.hint, words: reader.words };
  }
}

/** Leaves the reading from any depth; never leaves this file. */
class Refused extends Error {
  readonly hint: string | null;

  constructor(problem: string, hint: string | null = null) {
    super(problem);
    this.hint = hint;
  }
}

class Reader {
  readonly given = new Map<string, string>();
  operand: string | null = null;
  readonly rest: string[] = [];
  readonly words: string[] = [];
  readonly #left: string[];

  constructor(argv: readonly string[]) {
    this.#left = [...argv];
  }

  read(): void {
    for (let word = this.#left.shift(); word !== undefined; word = this.#left.shift()) {
      if (word === "--") return this.#behind();
      if (word.startsWith("-") && word !== "-") this.#flag(word);
      else this.#word(word);
    }
  }

  /** Whatever stands behind -- is one word each, flags or not. */
  #behind(): void {
    if (commandOf(this.words)?.behind !== true) throw new Refused("nothing may follow --");
    this.rest.push(...this.#left.splice(0));
    if (this.rest.length === 0) throw new Refused("the command is missing behind --");
  }

  /** The command that was named, with flags that belong to it. */
  command(): Command {
    const named = this.words.length === 0 ? commands[0] : commandOf(this.words);
    if (named === undefined || named === null) throw new Refused(`“${this.words.join(" ")}” needs one more word: ${nextWords(this.words, shownCommands).join(", ")}`);
    const name = named.words.join(" ");
    for (const flag of flags) {
      if (this.given.has(flag.name) && !isFor(flag, name)) throw new Refused(`--${flag.name} belongs to “${[flag.command].flat().join("” and “")}”, not to “${name}”`);
    }
    return named;
  }

  #word(word: string): void {
    if (this.operand === null && isBeginning([...this.words, word])) this.words.push(word);
    else if (!this.#isTaken(word)) throw this.#unknown(word);
  }

  /** Takes a word behind those of the command, if it is one that takes such. */
  #isTaken(word: string): boolean {
    const named = commandOf(this.words);
    if (named === null || named.operand === null) return false;
    if (this.operand === null) this.operand = word;
    else if (named.more !== null) this.rest.push(word);
    else return false;
    return true;
  }

  #unknown(word: string): Refused {
    const possible = nextWords(this.words, shownCommands);
    if (possible.length === 0 || this.operand !== null) return new Refused(`“${this.words.join(" ")}” takes no “${word}”`, this.#behindHint(word));
    return new Refused(`there is no command “${[...this.words, word].join(" ")}”`, didYouMean(nearestOf(word, possible) ?? endingWith(word)));
  }

  /** Other programs take a command without more ado; here it stands apart, so that its flags are its own. */
  #behindHint(word: string): string | null {
    return commandOf(this.words)?.behind === true ? `a command stands behind --: 1mcp ${[...this.words, this.operand].join(" ")} -- ${word} …` : null;
  }

  #flag(word: string): void {
    const equals = word.indexOf("=");
    const spelled = equals < 0 ? word : word.slice(0, equals);
    const found = this.#followed(spelled) ?? flags.find((flag) => isSpelled(flag, spelled) && mayFollow(flag, this.words)) ?? flags.find((flag) => isSpelled(flag, spelled));
    if (found === undefined) throw new Refused(`there is no flag ${spelled}`, didYouMean(nearestFlag(spelled)));
    const value = this.#value(found, spelled, equals < 0 ? null : word.slice(equals + 1));
    this.given.set(found.name, withValue(found.many ? this.given.get(found.name) : undefined, value));
  }

  /** With what is followed -f means that, as everywhere. */
  #followed(spelled: string): Flag | undefined {
    const follow = flags.find(({ name }) => name === "follow");
    return spelled === "-f" && follow !== undefined && isFor(follow, this.words.join(" ")) ? follow : undefined;
  }

  #value(flag: Flag, spelled: string, attached: string | null): string {
    if (flag.value === null) {
      if (attached !== null) throw new Refused(`${spelled} takes no value`);
      return "1";
    }
    const value = attached ?? this.#following();
    if (value === null || value === "") throw new Refused(`${spelled} needs a value: ${spelled} ${flag.value}`);
    return value;
  }

  // What looks like a flag is one: a value that begins with a dash is written with =.
  #following(): string | null {
    const next = this.#left[0];
    if (next === undefined || (next.startsWith("-") && next !== "-")) return null;
    this.#left.shift();
    return next;
  }
}

const isSpelled = ({ name, short, aliases }: Flag, spelled: string): boolean => spelled === `--${name}` || spelled === `-${short}` || aliases.some((alias) => spelled === `--${alias}`);

/** Two flags may be known by one name; the words before it tell which is meant. */
const mayFollow = ({ command }: Flag, words: readonly string[]): boolean => command === null || [command].flat().some((name) => words.every((word, at) => name.split(" ")[at] === word));

function nearestFlag(spelled: string): string | null {
  const names = [...flags.map(({ name }) => name), "help", "version"];
  const near = nearestOf(spelled.replace(/^-+/, ""), names);
  return near === null ? null : `--${near}`;
}

/** Who types `list` means `mcp list`, if only one command ends so, or the first one that does. */
const endingWith = (word: string): string | null => shownCommands.find(({ words }) => words.at(-1) === word)?.words.join(" ") ?? null;

const didYouMean = (near: string | null): string | null => (near === null ? null : `did you mean ${near}?`);
