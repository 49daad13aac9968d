/** Everything at once for long: calls, clients that come and go, crashes, changes of the configuration. Memory must stay. */
import { writeFile } from "node:fs/promises";
import { residentMb } from "../bench/targets.ts";
import { Caller, pour } from "./caller.ts";
import { withArgument, mark } from "./processes.ts";
import { entry, type Finding, none, startWith, told, type Trial } from "./trials.ts";

const perSecond = 200;
/** Until then it grows into its work: code is compiled, buffers and the heap find their size. */
const warmMs = 10 * 60_000;
const partMs = 5 * 60_000;
const crashEveryMs = 7000;
const rewriteEveryMs = 5000;
const sampleEveryMs = 5000;

/** Slope of a line through the samples: megabytes an hour. */
function slopeOf(samples: readonly { readonly ms: number; readonly mb: number }[]): number {
  const mean = (of: (sample: { readonly ms: number; readonly mb: number }) => number): number => samples.reduce((sum, one) => sum + of(one), 0) / samples.length;
  const [ms, mb] = [mean((one) => one.ms), mean((one) => one.mb)];
  const over = samples.reduce((sum, one) => sum + (one.ms - ms) * (one.mb - mb), 0);
  const under = samples.reduce((sum, one) => sum + (one.ms - ms) ** 2, 0);
  return (over / under) * 3_600_000;
}

/** Means of the samples, part by part. */
function meansOf(samples: readonly { readonly ms: number; readonly mb: number }[]): readonly number[] {
  const parts: { sum: number; count: number }[] = [];
  for (const { ms, mb } of samples) {
    const part = (parts[Math.floor(ms / partMs)] ??= { sum: 0, count: 0 });
    part.sum += mb;
    part.count += 1;
  }
  return parts.map(({ sum, count }) => sum / count);
}

export const mixed: Trial = {
  name: "mixed",
  about: `${perSecond} calls a second, new clients all the time, a server killed every ${crashEveryMs / 1000} s, the configuration rewritten every ${rewriteEveryMs / 1000} s`,
  async run(minutes): Promise<readonly Finding[]> {
    const servers = { stays: entry("good", mark("stays")), falls: entry("good", mark("falls")), floods: entry("flood", mark("floods")) };
    await using program = await startWith(servers);
    const url = `${program.origin}/mcp`;
    let turn = 0;
    const load = pour(url, (caller) => caller.call((turn += 1) % 4 === 0 ? "falls__echo" : "stays__echo"), perSecond);
    const comers = setInterval(async () => {
      const caller = new Caller(url);
      await caller.request("tools/list", {}, null);
      caller.close();
    }, 100);
    const crashes = setInterval(async () => {
      for (const pid of await withArgument(mark("falls"))) process.kill(pid, "SIGKILL");
    }, crashEveryMs);
    let rewrite = 0;
    const rewrites = setInterval(() => void writeFile(program.configPath, JSON.stringify({ mcpServers: { ...servers, guest: entry("good", mark("guest"), { tags: [`t${(rewrite += 1)}`] }) } })), rewriteEveryMs);
    const samples: { ms: number; mb: number }[] = [];
    const start = performance.now();
    while (performance.now() - start < minutes * 60_000) {
      await Bun.sleep(sampleEveryMs);
      samples.push({ ms: performance.now() - start, mb: await residentMb(program.pid) });
    }
    for (const timer of [comers, crashes, rewrites]) clearInterval(timer);
    await load.end();
    const settled = samples.filter(({ ms }) => ms >= Math.min(warmMs, (minutes * 60_000) / 3));
    const slope = slopeOf(settled);
    const failed = load.answers.filter(({ ok, error }) => !ok && !error.includes("falls")).map(({ error }) => error);
    return [
      { what: `memory after ${minutes} minutes, slope`, wanted: "near 0", got: `${slope.toFixed(1)} MB an hour`, met: slope < 20 },
      told(`memory, mean of each ${partMs / 60_000} minutes from the beginning; the slope is that of the last two thirds`, `${meansOf(samples).map((mb) => mb.toFixed(0)).join(", ")} MB`),
      none("calls that failed, but for those to the server that was killed", failed),
      told("calls, and those of them that the killed server failed", `${load.answers.length}, ${load.answers.filter(({ ok }) => !ok).length - failed.length}`),
    ];
  },
};
