/** `mcp logs`: the last lines of the running proxy's log and of what its servers say on stderr, and those that come. */
import { defaultLimits, escapeControls } from "../base/index.ts";
import type { TailLine } from "../compose/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";
import { aboutServer } from "./serverNames.ts";

const standardLines = 50;

/** Writes a line for each, or an object for each with `--json`; with `--follow` until it is interrupted, nobody reads any more, or the proxy ends. Throws SERVER_AWAY. Without such a server: 4. */
export const logs: Run = aboutServer(async (occasion) => {
  const { operand, given, signals } = occasion;
  const follows = given.has("follow");
  const interrupted = Promise.withResolvers<null>();
  const stop = (): void => interrupted.resolve(null);
  // Before the first line is out: whoever sees it may interrupt at once.
  if (follows) for (const signal of ["SIGINT", "SIGTERM"]) signals.on(signal, stop);
  try {
    const first = await ask(occasion, { server: operand, after: 0, linesMax: Number(given.get("lines") ?? standardLines), wait: false });
    write(occasion, first);
    return follows ? await follow(occasion, first.at(-1)?.seq ?? 0, interrupted.promise) : 0;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"]) signals.off(signal, stop);
  }
});

async function follow(occasion: Occasion, from: number, interrupted: Promise<null>): Promise<number> {
  let after = from;
  for (;;) {
    const next = ask(occasion, { server: occasion.operand, after, linesMax: defaultLimits.tailLinesMax, wait: true });
    // Who was interrupted does not hear any more how it ended.
    next.catch(() => undefined);
    const found = await Promise.race([interrupted, next]);
    if (found === null) return 0;
    write(occasion, found);
    after = found.at(-1)?.seq ?? after;
    await occasion.stdout.flush();
    // Nobody interrupts what only a pipe held (`1mcp mcp logs -f | head`).
    if (!occasion.stdout.isHeard()) return 0;
  }
}

interface Query {
  readonly server: string | null;
  readonly after: number;
  readonly linesMax: number;
  readonly wait: boolean;
}

async function ask(occasion: Occasion, query: Query): Promise<readonly TailLine[]> {
  return (await askRunning<{ readonly lines: readonly TailLine[] }>(occasion, "POST", "/logs", { body: query })).lines;
}

function write({ settings, stdout, operand }: Occasion, lines: readonly TailLine[]): void {
  for (const line of lines) stdout.write(settings.json ? `${JSON.stringify(line)}\n` : lineText(line, operand === null));
}

const lineText = ({ time, level, server, text }: TailLine, isOfAll: boolean): string => escapeControls(`${time.slice(11, 23)} ${level.padEnd(6)} ${isOfAll && server !== null ? `${server}: ` : ""}${text}`).concat("\n");
