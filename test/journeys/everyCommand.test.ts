/**
 * Every command of the program, as people and programs use it: the real program, in a pipe and on a terminal, each with
 * what it does when all is well, the errors it is documented to have, and its exit codes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { commands, shownCommands } from "../../src/cli/commands.ts";
import { exits, generalExits } from "../../src/cli/exits.ts";
import { createWorld, type Ended, type Mode, type Step, step, type World } from "../fixtures/steps.ts";
import { stepsOfAccess } from "../fixtures/stepsOfAccess.ts";
import { stepsOfConfig } from "../fixtures/stepsOfConfig.ts";
import { stepsOfLife } from "../fixtures/stepsOfLife.ts";
import { stepsOfServers } from "../fixtures/stepsOfServers.ts";
import { stepsOfShell } from "../fixtures/stepsOfShell.ts";

const wordsOf = ({ words }: { readonly words: readonly string[] }): string => words.join(" ");

/** A flag that there is not, for each of them. */
const mistyped: readonly Step[] = commands.map((command) => step(`${wordsOf(command)} --no-such-flag`, "home", command.failure ?? 2, "there is no flag --no-such-flag"));

const subjects: Readonly<Record<string, readonly Step[]>> = { agents: stepsOfShell, access: stepsOfAccess, servers: stepsOfServers, configuration: stepsOfConfig, life: stepsOfLife };
const all = Object.values(subjects).flat();

/** The command that a line names: the longest that it begins with. */
const commandOf = (line: string): string => commands.map(wordsOf).filter((words) => `${line} `.startsWith(`${words} `)).toSorted((a, b) => b.length - a.length)[0] ?? "";

/** Commands whose good end, and ends that, lie where no step can go, and where else they are seen. */
const elsewhere: Readonly<Record<string, string>> = {
  "auth pin": "a client's document must lie at a public address: test/cli/clients.test.ts",
  "auth unpin": "nothing is pinned here: test/cli/clients.test.ts",
  supervise: "started by `serve --background`, which is here",
  "version: 1": "from source there is no executable to verify: test/threats/f-release.test.ts",
  watchdog: "started by `serve`, and seen in test/cli/watchdog.test.ts",
};

describe("the table", () => {
  test("has every command, with an end that is good", () => {
    const good = new Set(all.filter(({ code }) => code === 0).map(({ line }) => commandOf(line)));
    expect(commands.map(wordsOf).filter((words) => !good.has(words) && !(words in elsewhere))).toEqual([]);
    expect(Object.keys(elsewhere).filter((words) => good.has(words))).toEqual([]);
  });

  test("has every exit code that is documented, and no other", () => {
    const lived = new Set(all.map(({ line, code }) => `${commandOf(line)}: ${code}`));
    const documented = exits.flatMap(({ code, commands: own }) => (own ?? []).map((words) => `${words}: ${code}`));
    expect([...new Set(documented)].filter((end) => !lived.has(end) && !(end in elsewhere))).toEqual([]);
    const general = new Set(generalExits.map(({ code }) => code));
    const shown = new Set(shownCommands.map(wordsOf));
    expect(all.filter(({ line, code }) => shown.has(commandOf(line)) && !general.has(code) && !documented.includes(`${commandOf(line)}: ${code}`)).map(({ line, code }) => [line, code])).toEqual([]);
  });

  test("has an end that is good, a failure and a wrong command line of the commands that scripts count on", () => {
    const codesOf = (pattern: RegExp): number[] => [...new Set(all.filter(({ line }) => pattern.test(line)).map(({ code }) => code))].toSorted((a, b) => a - b);
    expect(codesOf(/^serve --status/u)).toEqual([0, 3, 4, 5, 6, 7]);
    expect(codesOf(/^status/u)).toEqual([0, 1, 2, 3, 4]);
    expect(codesOf(/^mcp (?!status)/u)).toEqual([0, 1, 2, 3, 4, 78]);
    expect(codesOf(/^run/u)).toEqual([0, 1, 2]);
    expect(codesOf(/^serve(?! --status)/u)).toEqual([0, 1, 2, 78]);
    expect(codesOf(/^config/u)).toEqual([0, 1, 2, 78]);
    for (const words of ["wait", "doctor", "preset test", "config diff", "audit verify", "approve", "explain", "token create"]) expect([words, codesOf(new RegExp(`^${words}`, "u"))]).toEqual([words, expect.arrayContaining([0, 1])]);
  });
});

/** Goes through them one after the other; all that did not come as it should is told at once. */
async function walk(world: World, mode: Mode, steps: readonly Step[]): Promise<void> {
  const odd: object[] = [];
  for (const one of steps.filter(({ on = mode }) => on === mode)) odd.push(...oddIn(one, await world.run(one), mode));
  expect(odd).toEqual([]);
}

function oddIn({ line, at, code, says, shows = says }: Step, ended: Ended, mode: Mode): object[] {
  const wanted = mode === "terminal" ? shows : says;
  const isSaid = typeof wanted === "string" ? ended.text.includes(wanted) : wanted.test(ended.text);
  return isSaid && ended.code === code ? [] : [{ line, at, code, wanted: String(wanted), ended }];
}

// Windows has no terminal of this kind.
const modes: readonly Mode[] = process.platform === "win32" ? ["pipe"] : ["pipe", "terminal"];

describe("in a pipe and on a terminal", () => {
  let worlds: readonly World[] = [];
  beforeAll(async () => void (worlds = await Promise.all(modes.map(createWorld))), 60_000);
  afterAll(() => Promise.all(worlds.map((world) => world[Symbol.asyncDispose]())));
  const inEach = (steps: readonly Step[]): Promise<unknown> => Promise.all(worlds.map((world) => walk(world, world.mode, steps)));

  test.each(Object.entries(subjects))("%s", async (_, steps) => void (await inEach(steps)), 120_000);

  test("a flag that there is not", async () => {
    for (let at = 0; at < mistyped.length; at += atOnce) await Promise.all(mistyped.slice(at, at + atOnce).map((one) => inEach([one])));
  }, 60_000);
});

const atOnce = 2;
