/**
 * The watchdog: waits beside a proxy for nothing but its end, and ends what it has left. It holds nothing of the proxy's
 * but one pipe, listens to no signal that ends programs, and ends by itself when nobody is left. It writes nothing:
 * nobody may be there to read.
 */
import { type Charge, chargeVariable, fault, parseCharge, reap, Roll } from "../base/index.ts";
import { createLines } from "../protocol/index.ts";
import type { Occasion, Run } from "./occasion.ts";

const signalNames = Object.freeze(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const);
const lineBytesMax = 1024;
/** A child that was being started when the proxy was killed does not show its mark before it runs its own program. */
const settleMs = 250;

const ignore = (): void => undefined;

/** Watches until stdin ends and nobody is left. Throws USAGE when it is not a proxy that asks for it. */
export const watchdog: Run = async ({ env, signals, pipes, clock }) => {
  for (const name of signalNames) signals.on(name, ignore);
  try {
    const charge = parseCharge(env[chargeVariable]);
    if (charge === null) throw fault("USAGE", { detail: "the watchdog is started by a proxy" });
    return await ended(charge, await listened(pipes().input), clock);
  } finally {
    for (const name of signalNames) signals.off(name, ignore);
  }
};

/** What there was when the proxy ended. */
async function listened(input: ReadableStream<Uint8Array>): Promise<Roll> {
  const roll = new Roll();
  const lines = createLines({ bytesMax: lineBytesMax, onText: (line) => roll.take(line), onProblem: ignore });
  const reader = input.getReader();
  for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) lines.feed(next.value);
  return roll;
}

async function ended({ life, since, graceMs, termMs }: Charge, { groups }: Roll, clock: Occasion["clock"]): Promise<number> {
  const { left } = await reap({ kin: { mark: life, groups, since }, patience: { graceMs, termMs, settleMs }, clock });
  return left.length === 0 ? 0 : 1;
}
