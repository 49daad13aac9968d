/**
 * The launcher: confines itself as a proxy has asked, then becomes a server's program, with the same process id, pipes and
 * group. Not in the table of commands: all that follows its word belongs to that program.
 */
import { readFileSync } from "node:fs";
import { become, type Confiner, fault, loadConfiner, parseLaunch } from "../base/index.ts";
import type { Output } from "./terminal.ts";

/** What this process may be confined by, and what it was started with; others in tests, which must not do it to themselves. */
export interface Ground {
  readonly confiner: () => Promise<Confiner | null>;
  readonly environ: () => Uint8Array;
}

const ownGround: Ground = Object.freeze({ confiner: loadConfiner, environ: () => readFileSync("/proc/self/environ") });

/** Becomes the program that `argv` starts; gives an exit code only when that failed. Throws USAGE when it is not a proxy that asks for it. */
export async function launch(argv: readonly string[], stderr: Pick<Output, "write">, ground: Ground = ownGround): Promise<number> {
  const confiner = await ground.confiner();
  const given = confiner === null ? null : parseLaunch(ground.environ());
  if (confiner === null || given === null) throw fault("USAGE", { detail: "the launcher is started by a proxy" });
  const words: string[] = [];
  const failed = become(confiner, given.launch, argv, given.env, (problem) => words.push(problem));
  for (const problem of [...words, ...failed.problems]) stderr.write(`1mcp: ${problem}\n`);
  return failed.code;
}
