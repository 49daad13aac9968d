/** How a command that failed ends: what is printed, and the exit code. */
import { faultOf } from "../base/index.ts";
import { faultText } from "./print.ts";
import type { Output } from "./terminal.ts";

/** Prints a failure; gives the exit code that belongs to it. */
export function failed(stderr: Output, thrown: unknown): number {
  const fault = faultOf(thrown);
  stderr.write(faultText(fault));
  return fault.row.exit;
}
