/**
 * What is under way, for somebody who waits longer than a second: one line that is drawn anew on a terminal; elsewhere a
 * line for each thing that is said, and never more than one a second.
 */
import { type Clock, type Timer } from "../base/index.ts";
import { tameText } from "./format.ts";
import type { Output } from "./terminal.ts";

export interface Progress {
  /** What is under way now. */
  say(text: string): void;
  /** Makes room: for a question, or for good. It goes on with what is said next. */
  clear(): void;
  /** It is over. Twice is fine. */
  end(): void;
}

export interface ProgressOptions {
  readonly stderr: Pick<Output, "write">;
  readonly clock: Clock;
  /** A terminal that can draw a line anew. */
  readonly isTerminal: boolean;
  readonly columns?: number;
}

const quietMs = 1_000;
const columnsMax = 79;
const anew = "\r\u001b[2K";

/** Begins; nothing is seen within the first second. */
export function createProgress({ stderr, clock, isTerminal, columns = columnsMax }: ProgressOptions, first: string): Progress {
  let text = first;
  let shown = "";
  let isOver = false;
  const since = clock.now();
  const seconds = (): string => ` (${Math.floor((clock.now() - since) / 1000)} s)`;
  const draw = (): void => {
    const line = tameText(text).replaceAll("\n", " ");
    if (isTerminal) stderr.write(`${anew}${line.slice(0, columns - seconds().length)}${seconds()}`);
    else if (shown !== line) stderr.write(`1mcp: ${line}\n`);
    shown = line;
  };
  const clear = (): void => {
    if (isTerminal && shown !== "") stderr.write(anew);
    if (isTerminal) shown = "";
  };
  const tick = (): Timer => clock.timer(quietMs, () => {
    if (isOver) return;
    draw();
    timer = tick();
  });
  let timer = tick();
  return {
    say: (next) => void (text = next),
    clear,
    end() {
      isOver = true;
      timer.cancel();
      clear();
    },
  };
}
