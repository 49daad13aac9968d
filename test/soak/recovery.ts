/** A server is killed, or restarted, fifty times while it is called: how long until it answers again, and what its neighbours feel. */
import { cleanEnv } from "../fixtures/program.ts";
import { firstMatch } from "../bench/targets.ts";
import { type Answered, Caller, quantile, repeat } from "./caller.ts";
import { appears, withArgument, mark } from "./processes.ts";
import { below, atMost, entry, type Finding, httpArgv, none, startWith, told, type Trial } from "./trials.ts";

const times = 50;
/** How long it is called in peace between two ends. */
const peaceMs = 400;

interface Remote extends AsyncDisposable {
  readonly port: number;
  restart(): Promise<void>;
}

/** A server over HTTP that keeps its port through restarts. */
async function startRemote(tag: string): Promise<Remote> {
  const start = async (port: number) => {
    const child = Bun.spawn([...httpArgv(tag, port)], { env: cleanEnv(), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    return { child, url: new URL(await firstMatch(child.stderr, /http:\S+/u)) };
  };
  let running = await start(0);
  const port = Number(running.url.port);
  const end = async (): Promise<void> => {
    running.child.kill("SIGKILL");
    await running.child.exited;
  };
  return {
    port,
    async restart() {
      await end();
      running = await start(port);
    },
    [Symbol.asyncDispose]: end,
  };
}

/** Milliseconds from each end to the first answer to a call that was made after it. */
async function ends(url: string, tool: string, kill: () => Promise<void>): Promise<number[]> {
  const waits: number[] = [];
  const caller = new Caller(url);
  for (let time = 0; time < times; time += 1) {
    const until = performance.now() + peaceMs;
    while (performance.now() < until) await caller.call(tool);
    const from = performance.now();
    await kill();
    for (let answer = await caller.call(tool); !answer.ok; answer = await caller.call(tool)) await Bun.sleep(10);
    waits.push(performance.now() - from);
  }
  caller.close();
  return waits;
}

const errorsOf = (answers: readonly Answered[]): string[] => answers.filter((answer) => !answer.ok).map((answer) => answer.error);

export const recovery: Trial = {
  name: "recovery",
  about: `a stdio server is killed with -9 ${times} times under load, and a server over HTTP is killed and started anew ${times} times; another server is called all the while`,
  async run(): Promise<readonly Finding[]> {
    await using remote = await startRemote(mark("remote"));
    await using program = await startWith({ falls: entry("good", mark("falls")), stays: entry("good", mark("stays")), remote: { type: "http", url: `http://127.0.0.1:${remote.port}/mcp` } });
    const url = `${program.origin}/mcp`;
    const neighbour = new Caller(url);
    const quiet = repeat(() => neighbour.call("stays__echo"), 5);
    const busy = new Caller(url);
    const until = performance.now() + 5000;
    while (performance.now() < until) await busy.call("falls__echo");
    await quiet.end();
    const during = repeat(() => neighbour.call("stays__echo"), 5);
    const stdio = await ends(url, "falls__echo", async () => {
      const pids = await withArgument(mark("falls"));
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await appears(mark("falls"), pids);
    });
    const http = await ends(url, "remote__echo", () => remote.restart());
    await during.end();
    const p99 = (answers: readonly Answered[]): number => quantile(answers.map(({ ms }) => ms), 0.99);
    busy.close();
    neighbour.close();
    return [
      below("stdio: from kill -9 to the next answer, worst", Math.max(...stdio), 5000, "ms"),
      told("stdio: the same, median", `${quantile(stdio, 0.5).toFixed(0)} ms`),
      below("http: from the end of the server to the next answer, worst", Math.max(...http), 5000, "ms"),
      told("http: the same, median", `${quantile(http, 0.5).toFixed(0)} ms`),
      none("calls to the neighbour that failed", errorsOf(during.answers)),
      atMost("the neighbour's latency at the 99th percentile, against the same load without falls", p99(during.answers) / p99(quiet.answers), 3, "x"),
      told("calls to the neighbour", `${during.answers.length}`),
    ];
  },
};
