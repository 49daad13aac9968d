/** The configuration is rewritten two hundred times, well and badly, while servers that stay in it are called. */
import { rename, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Program } from "../fixtures/program.ts";
import { Caller, pour } from "./caller.ts";
import { withArgument, mark } from "./processes.ts";
import { entry, type Finding, none, startWith, told, type Trial } from "./trials.ts";

const perSecond = 500;
const times = 200;
const pauseMs = 50;

const staying = { one: entry("good", mark("one")), two: entry("good", mark("two")) };

type Rewrite = (program: Program, time: number) => Promise<void>;

const whole = (time: number): string => JSON.stringify({ mcpServers: { ...staying, [`guest${time % 3}`]: entry("good", mark("guest"), { tags: [`t${time}`] }) } });

/** Every way in which a file comes to change, right and wrong. */
const rewrites: readonly Rewrite[] = Object.freeze<Rewrite[]>([
  (program, time) => writeFile(program.configPath, whole(time)),
  (program, time) => writeFile(program.configPath, whole(time).slice(0, -7)),
  (program) => writeFile(program.configPath, ""),
  async (program, time) => {
    const beside = join(program.dir, "beside.json");
    await writeFile(beside, whole(time));
    await rename(beside, program.configPath);
  },
  (program, time) => writeFile(program.configPath, whole(time).replace('"command"', '"comand"')),
  (program) => unlink(program.configPath),
  async (program, time) => {
    const target = join(program.dir, `real-${time}.json`);
    const link = join(program.dir, "link.json");
    await writeFile(target, whole(time));
    await symlink(target, link);
    await rename(link, program.configPath);
  },
  async (program, time) => {
    await unlink(program.configPath);
    await writeFile(program.configPath, whole(time));
  },
]);

export const rewriting: Trial = {
  name: "rewriting",
  about: `${perSecond} calls a second to servers that stay, while the file is rewritten ${times} times: valid, cut off, empty, renamed over, with a wrong key, deleted, swapped as a symlink`,
  async run(): Promise<readonly Finding[]> {
    await using program = await startWith(staying);
    const url = `${program.origin}/mcp`;
    const first = new Caller(url);
    for (const name of ["one", "two"]) await first.call(`${name}__echo`);
    first.close();
    const pidsOf = async (): Promise<string> => (await Promise.all([mark("one"), mark("two")].map(withArgument))).flat().join(", ");
    const before = await pidsOf();
    let turn = 0;
    const load = pour(url, (caller) => caller.call((turn += 1) % 2 === 0 ? "one__echo" : "two__echo"), perSecond);
    for (let time = 0; time < times; time += 1) {
      await rewrites[time % rewrites.length]!(program, time);
      await Bun.sleep(pauseMs);
    }
    await load.end();
    const after = await pidsOf();
    return [
      none("calls that failed", load.answers.filter(({ ok }) => !ok).map(({ error }) => error)),
      { what: "process ids of the servers that stay", wanted: before, got: after, met: before === after },
      told("calls", `${load.answers.length}`),
    ];
  },
};
