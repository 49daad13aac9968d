/** A person's yes, where a command is about to change what is not ours. */
import { fault } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";
import { Lines } from "./typed.ts";

/** Whether it shall be done: said with `--yes`, or typed; a no is answered. Throws USAGE where nobody can be asked. */
export async function isAgreed(occasion: Occasion, question: string): Promise<boolean> {
  const { settings, stdout, pipes } = occasion;
  if (settings.assumeYes) return true;
  const isTalking = !settings.json && (await stdout.isTerminal()) && ((await pipes().typist?.()) ?? null) !== null;
  if (!isTalking) throw fault("USAGE", { detail: "nobody is here to be asked", hint: "give it --yes; --dry-run shows what would be done" });
  stdout.write(`${question} y, or Enter for no > `);
  const isMeant = /^y(es)?$/i.test(((await new Lines(pipes().input).next()) ?? "").trim());
  if (!isMeant) stdout.write("nothing is changed\n");
  return isMeant;
}
