/** Cli: the command tree, from a command line to an exit code. */
export { run, type Surroundings } from "./run.ts";
export { type Output, type Pipes, type Signals, standardOutput, standardPipes } from "./terminal.ts";
