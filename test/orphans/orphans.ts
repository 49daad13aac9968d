/**
 * `bun run orphans [--cycles 1000] [--at-once 2]`: kills a proxy with -9, again and again, and prints what was left.
 * Every second time as soon as all of its five trees of processes stand, else at some moment of its start, a later one
 * each time. From source, or the binary that `ONE_MCP_BINARY` names. Exit code 1 if anything was left.
 */
import { type Cycle, cycle, trees } from "./cycle.ts";

const numberOf = (name: string, standard: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? standard : Number(process.argv[at + 1]);
};

/** The start is over after so long, from source also. */
const startMs = 600;
const patienceMs = 100;
const leftAfterMs = 15_000;

const cycles = numberOf("cycles", 100);
const atOnce = numberOf("at-once", 2);
const done: { readonly killAfterMs: number | null; readonly cycle: Cycle }[] = [];

let begun = 0;
async function work(): Promise<void> {
  while (begun < cycles) {
    const number = begun++;
    const killAfterMs = number % 2 === 0 ? null : Math.round((startMs * number) / cycles);
    const one = await cycle({ killAfterMs, patienceMs, leftAfterMs });
    done.push({ killAfterMs, cycle: one });
    for (const words of one.left) console.log(`cycle ${number}, killed ${killAfterMs === null ? "when all stood" : `after ${killAfterMs} ms`}: left ${words}`);
    if (done.length % 100 === 0) console.log(`${done.length} cycles, ${leftOf()} processes left`);
  }
}
const leftOf = (): number => done.reduce((sum, one) => sum + one.cycle.left.length, 0);

await Promise.all(Array.from({ length: atOnce }, work));

const times = done.map((one) => one.cycle.ms).sort((a, b) => a - b);
const seconds = (ms: number | undefined): string => `${((ms ?? 0) / 1000).toFixed(2)} s`;
const processes = done.reduce((sum, one) => sum + one.cycle.before, 0);
console.log(
  [
    `${done.length} cycles of kill -9 (${done.filter((one) => one.killAfterMs === null).length} when all trees stood, the others within the first ${startMs} ms)`,
    `trees: ${Object.keys(trees).join(", ")}; ${patienceMs} ms after the end of stdin, and again after TERM`,
    `processes when it was killed: ${processes} in all`,
    `processes left: ${leftOf()}`,
    `until nothing was left: median ${seconds(times[Math.floor(times.length / 2)])}, longest ${seconds(times.at(-1))}`,
  ].join("\n"),
);
process.exit(leftOf() === 0 ? 0 : 1);
