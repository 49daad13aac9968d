/** Processes as the system shows them: found by what stands on their command line. Linux alone. */
import { readdir, readFile } from "node:fs/promises";

/** A word for a command line that is this soak's alone, so that two at once leave each other's servers in peace. */
export const mark = (name: string): string => `soak-${process.pid}-${name}`;

/** Ids of the processes whose command line holds `word` as one of its arguments. */
export async function withArgument(word: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const argv = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (argv.split("\0").includes(word)) found.push(Number(name));
  }
  return found;
}

/** Waits until a process with this argument runs that is none of `not`; gives its id. */
export async function appears(word: string, not: readonly number[] = []): Promise<number> {
  for (;;) {
    const [pid] = (await withArgument(word)).filter((one) => !not.includes(one));
    if (pid !== undefined) return pid;
    await Bun.sleep(10);
  }
}
