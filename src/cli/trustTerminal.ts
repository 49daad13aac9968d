/**
 * `serve --trust-terminal`: the server asks at its own terminal about each request that waits, as it comes. Whoever sits
 * there started it, so he is the operator. What is typed while nothing is asked is nobody's answer, and one question is
 * asked at a time.
 */
import { escapeControls, faultOf } from "../base/index.ts";
import type { Listening, ShownRequest } from "../compose/index.ts";
import { interview } from "./interview.ts";
import type { Occasion } from "./occasion.ts";
import { Lines } from "./typed.ts";

// Nothing tells us that somebody asks; this often we look.
const lookMs = 500;

/** Begins to ask; gives what ends that. Without a terminal on both sides nobody is asked, which is said. */
export async function askAtTerminal({ stderr, pipes, clock }: Pick<Occasion, "stderr" | "pipes" | "clock">, requests: Listening["requests"]): Promise<() => void> {
  if (!(await stderr.isTerminal())) return nobody(stderr);
  const at = pipes();
  if (((await at.typist?.()) ?? null) === null) return nobody(stderr);
  const desk = new TerminalDesk({ write: (text) => stderr.write(text), now: () => clock.now(), requests });
  void desk.hear(new Lines(at.input));
  let timer = clock.timer(lookMs, look);
  function look(): void {
    timer = clock.timer(lookMs, look);
    try {
      desk.look();
    } catch (thrown) {
      // Nobody catches what a timer throws, and the server serves all the same.
      leave();
      stderr.write(`1mcp: nobody is asked here any more: ${escapeControls(faultOf(thrown).message)}; \`1mcp approve\` decides\n`);
    }
  }
  function leave(): void {
    timer.cancel();
    desk.leave();
  }
  return leave;
}

function nobody(stderr: Occasion["stderr"]): () => void {
  stderr.write("1mcp: nobody is asked here (--trust-terminal): this is no terminal; `1mcp approve` decides\n");
  return () => undefined;
}

interface TerminalDeskOptions {
  write(text: string): void;
  now(): number;
  readonly requests: Listening["requests"];
}

class TerminalDesk {
  readonly #options: TerminalDeskOptions;
  /** Those that he was asked about, as long as they wait. */
  #asked = new Set<string>();
  #current: string | null = null;
  #answer: ((line: string | null) => void) | null = null;
  #isOver = false;

  constructor(options: TerminalDeskOptions) {
    this.#options = options;
  }

  /** Takes each line as it is typed; it is the answer to what is asked then, or to nothing. */
  async hear(lines: Lines): Promise<void> {
    for (let line = await lines.next(); line !== null && !this.#isOver; line = await lines.next()) this.#take(line);
    this.leave();
  }

  look(): void {
    const waiting = this.#options.requests.waiting();
    const ids = new Set(waiting.map(({ id }) => id));
    this.#asked = new Set([...this.#asked].filter((id) => ids.has(id)));
    if (this.#current !== null && !ids.has(this.#current)) this.#take(null);
    const next = waiting.find(({ id }) => !this.#asked.has(id));
    if (next !== undefined && this.#current === null && !this.#isOver) void this.#ask(next);
  }

  leave(): void {
    this.#isOver = true;
    this.#take(null);
  }

  #take(line: string | null): void {
    const answer = this.#answer;
    this.#answer = null;
    answer?.(line);
  }

  async #ask(request: ShownRequest): Promise<void> {
    const { write, now, requests } = this.#options;
    this.#current = request.id;
    this.#asked.add(request.id);
    const next = (): Promise<string | null> => new Promise((resolve) => (this.#answer = resolve));
    try {
      const decision = await interview(request, { write, next, now: now() });
      if (decision !== null) requests.decide(request.id, decision);
      write(decision === null ? "nothing is decided here\n" : decision.approve ? escapeControls(`“${request.client.name}” is granted ${decision.scopes.join(" ")}`) + "\n" : escapeControls(`“${request.client.name}” gets nothing`) + "\n");
    } catch (thrown) {
      write(`${escapeControls(faultOf(thrown).message)}\n`);
    } finally {
      this.#current = null;
    }
  }
}
