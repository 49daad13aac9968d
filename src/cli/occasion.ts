/** What every command is given and gives: apart from the table of commands, which knows them all. */
import type { Clock } from "../base/index.ts";
import type { Given, Settings } from "./flags.ts";
import type { Output, Pipes, Signals } from "./terminal.ts";

/** What a command is run with. */
export interface Occasion {
  readonly settings: Settings;
  /** The words after the program's name, as they were given. */
  readonly argv: readonly string[];
  /** The word after the command's own, for those that take one. */
  readonly operand: string | null;
  /** The words after that, or those behind `--`, for commands that take such. */
  readonly rest: readonly string[];
  /** The flags of the command line alone, without what the environment says. */
  readonly given: Given;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  /** Standard input and output as bytes, for commands that speak a protocol there; asked for once, if at all. */
  readonly pipes: () => Pipes;
  readonly clock: Clock;
  /** How this program is started: the executable, and from source its first file. */
  readonly selfArgv: readonly string[];
}

/** Runs to its end; gives the exit code. Throws Faults. */
export type Run = (occasion: Occasion) => Promise<number>;

/** The world around one run of the program. */
export interface Surroundings {
  /** The words after the program's name. */
  readonly argv: readonly string[];
  /** null: this process's own environment. */
  readonly env: Readonly<Record<string, string | undefined>> | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  readonly pipes: () => Pipes;
  /** null: the real one. */
  readonly clock: Clock | null;
  readonly selfArgv: readonly string[];
  /** Hears the exit code as soon as there is one, before everything is written. */
  readonly known?: (code: number) => void;
}
