/** Four servers in trouble at once, each of its own kind: what the others and the lists feel, and what callers of the four are told. */
import { type Answered, Caller, quantile, repeat } from "./caller.ts";
import { appears, mark } from "./processes.ts";
import { atMost, entry, type Finding, none, startWith, told, type Trial } from "./trials.ts";

const deadlineMs = 2000;
const windowMs = 10_000;

const inTrouble = Object.freeze({ stopped: "stoppable", crashing: "crash", mute: "mute", flooding: "flood" });

const sleepCalls = async (url: string): Promise<readonly Answered[][]> => {
  const asks: readonly (readonly [string, object, string | null])[] = [
    ["tools/list", {}, null],
    ["server/discover", {}, null],
    ["tools/call", { name: "well__echo", arguments: { text: "x" } }, "well__echo"],
  ];
  const callers = asks.map(([method, params, name]) => {
    const caller = new Caller(url);
    return { caller, loop: repeat(() => caller.request(method, params, name), 5) };
  });
  await Bun.sleep(windowMs);
  for (const { caller, loop } of callers) {
    await loop.end();
    caller.close();
  }
  return callers.map(({ loop }) => [...loop.answers]);
};

export const trouble: Trial = {
  name: "trouble",
  about: "one server stopped with SIGSTOP, one that crashes at each start, one that never answers and one that floods both its streams, all at once",
  async run(): Promise<readonly Finding[]> {
    const well = { well: entry("good", mark("well")), fine: entry("good", mark("fine")) };
    const quiet = await (async () => {
      await using program = await startWith(well);
      return await sleepCalls(`${program.origin}/mcp`);
    })();
    const bad = Object.fromEntries(Object.entries(inTrouble).map(([name, manner]) => [name, entry(manner, mark(name), { requestTimeout: deadlineMs, connectionTimeout: deadlineMs })]));
    await using program = await startWith({ ...well, ...bad });
    const url = `${program.origin}/mcp`;
    const first = new Caller(url);
    await first.call("stopped__echo");
    const pid = await appears(mark("stopped"));
    process.kill(pid, "SIGSTOP");
    try {
      const failing = ["stopped", "crashing", "mute"].map((name) => {
        const caller = new Caller(url);
        return { name, caller, loop: repeat(() => caller.call(`${name}__echo`), 50) };
      });
      const troubled = await sleepCalls(url);
      for (const { loop } of failing) await loop.end();
      const silent = failing.flatMap(({ name, loop }) => loop.answers.filter(({ ok, error }) => !ok && !error.includes(name)).map(({ error }) => `${name}: ${error}`));
      const slowest = Math.max(...failing.flatMap(({ loop }) => loop.answers.map(({ ms }) => ms)));
      for (const { caller } of failing) caller.close();
      const ratio = (index: number): number => quantile(troubled[index]!.map(({ ms }) => ms), 0.5) / quantile(quiet[index]!.map(({ ms }) => ms), 0.5);
      return [
        atMost("tools/list, median against the same without the four", ratio(0), 2, "x"),
        atMost("server/discover, the same", ratio(1), 2, "x"),
        atMost("a call to a neighbour, the same", ratio(2), 2, "x"),
        none("neighbours' calls and lists that failed", troubled.flat().filter(({ ok }) => !ok).map(({ error }) => error)),
        none("failures that do not name their server", silent),
        atMost(`the longest wait for a failure, with ${deadlineMs} ms to start and ${deadlineMs} ms to answer`, slowest, deadlineMs * 2 + 500, "ms"),
        told("failing calls", `${failing.reduce((sum, { loop }) => sum + loop.answers.filter(({ ok }) => !ok).length, 0)}`),
      ];
    } finally {
      process.kill(pid, "SIGCONT");
    }
  },
};
