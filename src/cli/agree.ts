/** A person's yes, where a command is about to change what is not ours. */
import { fault } from "../base/index.ts";
import type { Occasion } from "./occasion.ts";
import { hasPerson, isYes, Lines } from "./typed.ts";

/** What a person agrees to in the course of one command, question by question. */
export class Agreement {
  readonly #occasion: Occasion;
  // One reader for all questions: the input can be taken once.
  #lines: Lines | null = null;
  #isRefused = false;

  constructor(occasion: Occasion) {
    this.#occasion = occasion;
  }

  /** A no was answered. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether it shall be done: said with `--yes`, or typed; a no is answered. Throws USAGE where nobody can be asked. */
  async to(question: string): Promise<boolean> {
    const { settings, stdout, pipes } = this.#occasion;
    if (settings.assumeYes) return true;
    if (settings.json || !(await hasPerson(this.#occasion))) throw fault("USAGE", { detail: "nobody is here to be asked", hint: "give it --yes; --dry-run shows what would be done" });
    this.#lines ??= new Lines(pipes().input);
    stdout.write(`${question} y, or Enter for no > `);
    const isMeant = isYes(await this.#lines.next());
    if (!isMeant) stdout.write("nothing is changed\n");
    this.#isRefused ||= !isMeant;
    return isMeant;
  }
}
