/** How a command that failed ends: what is printed, and the exit code. */
import { faultOf } from "../base/index.ts";
import { commandOf } from "./commands.ts";
import type { Surroundings } from "./occasion.ts";
import { faultText } from "./print.ts";
import { parseCommandLine } from "./strict.ts";

/** Prints a failure; gives the exit code that belongs to it, or to whatever goes wrong with this command. */
export function failed({ stderr, argv }: Pick<Surroundings, "stderr" | "argv">, thrown: unknown): number {
  const fault = faultOf(thrown);
  stderr.write(faultText(fault));
  const line = parseCommandLine(argv);
  // Scripts read some codes of some commands as other things.
  return (line.ok ? line.command : commandOf(line.words))?.failure ?? fault.row.exit;
}
