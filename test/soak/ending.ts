/** The program is asked to end while calls run. */
import { Caller } from "./caller.ts";
import { withArgument, mark } from "./processes.ts";
import { atMost, entry, type Finding, none, startWith, told, type Trial } from "./trials.ts";

const calls = 40;

export const ending: Trial = {
  name: "ending",
  about: `SIGTERM with ${calls} calls in flight, half of which take two seconds and half a minute`,
  async run(): Promise<readonly Finding[]> {
    await using program = await startWith({ slow: entry("good", mark("slow")) });
    const url = `${program.origin}/mcp`;
    const callers = Array.from({ length: calls }, () => new Caller(url));
    await Promise.all(callers.map((caller) => caller.call("slow__echo")));
    const running = callers.map((caller, index) => caller.call("slow__other0", { ms: index % 2 === 0 ? 2000 : 60_000, text: "x" }));
    await Bun.sleep(300);
    const from = performance.now();
    program.signal("SIGTERM");
    const answers = await Promise.all(running);
    const code = await program.exited;
    const ms = performance.now() - from;
    for (const caller of callers) caller.close();
    return [
      atMost("from the signal to the end", ms, 6000, "ms"),
      { what: "exit code", wanted: "0", got: `${code}`, met: code === 0 },
      none("clients without an answer", answers.filter(({ error }) => error.startsWith("no answer")).map(({ error }) => error)),
      { what: "calls of two seconds that came to their result", wanted: `${calls / 2}`, got: `${answers.filter(({ ok }) => ok).length}`, met: answers.filter(({ ok }) => ok).length === calls / 2 },
      none("servers left", (await withArgument(mark("slow"))).map(String)),
      told("what the others were told", [...new Set(answers.filter(({ ok }) => !ok).map(({ error }) => error))].join("; ")),
    ];
  },
};
