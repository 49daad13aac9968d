/** `mcp logs`: the last lines of the running proxy's log and of what its servers say on stderr, and those that come. */
import { defaultLimits, escapeControls, fault } from "../base/index.ts";
import type { TailLine } from "../compose.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askOperator } from "./operator.ts";
import { aboutServer } from "./serverNames.ts";

const standardLines = 50;

/** Writes a line for each, or an object for each with `--json`; with `--follow` until it is interrupted or the proxy ends. Throws SERVER_AWAY. Without such a server: 4. */
export const logs: Run = aboutServer(async (occasion) => {
  const { operand, given, signals } = occasion;
  const query: Query = { server: operand, after: 0, linesMax: Number(given.get("lines") ?? standardLines), wait: false };
  if (!given.has("follow")) {
    write(occasion, await ask(occasion, query));
    return 0;
  }
  const interrupted = Promise.withResolvers<null>();
  const stop = (): void => interrupted.resolve(null);
  // From before the first line on: whoever sees one may end it.
  for (const signal of ["SIGINT", "SIGTERM"]) signals.on(signal, stop);
  try {
    const first = await ask(occasion, query);
    write(occasion, first);
    return await follow(occasion, first.at(-1)?.seq ?? 0, interrupted.promise);
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
  }
}

interface Query {
  readonly server: string | null;
  readonly after: number;
  readonly linesMax: number;
  readonly wait: boolean;
}

async function ask(occasion: Occasion, query: Query): Promise<readonly TailLine[]> {
  const asked = await askOperator<{ readonly lines: readonly TailLine[] }>(occasion, "POST", "/logs", undefined, query);
  if (asked.kind !== "answer") throw fault("SERVER_AWAY", asked.kind === "none" ? {} : { detail: asked.why });
  return asked.value.lines;
}

function write({ settings, stdout, operand }: Occasion, lines: readonly TailLine[]): void {
  for (const line of lines) stdout.write(settings.json ? `${JSON.stringify(line)}\n` : lineText(line, operand === null));
}

const lineText = ({ time, level, server, text }: TailLine, isOfAll: boolean): string => escapeControls(`${time.slice(11, 23)} ${level.padEnd(6)} ${isOfAll && server !== null ? `${server}: ` : ""}${text}`).concat("\n");
