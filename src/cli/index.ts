/** Cli: the command tree, from a command line to an exit code. */
export type { Surroundings } from "./occasion.ts";
export { run } from "./run.ts";
export { type Output, ownSignals, type OwnSignals, type Pipes, type Signals, standardOutput, standardPipes } from "./terminal.ts";
