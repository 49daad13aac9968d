#!/usr/bin/env bun
/** The program: one command line in, one exit code out. */
import { ownSignals, run, standardOutput, standardPipes } from "./cli/index.ts";

// In the compiled program the first file lies inside the executable, which then is all that is needed to start it.
const isCompiled = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(Bun.main);

const signals = ownSignals((code) => process.exit(code));

process.exit(
  await run({
    argv: process.argv.slice(2),
    env: null,
    stdout: standardOutput(1),
    stderr: standardOutput(2),
    signals,
    known: (code) => signals.ending(code),
    pipes: standardPipes,
    clock: null,
    selfArgv: isCompiled ? [process.execPath] : [process.execPath, Bun.main],
  }),
);
