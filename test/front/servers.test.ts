import { expect, test } from "bun:test";
import { defaultLimits, Fault, Tail } from "../../src/base/index.ts";
import { serverActions } from "../../src/front/servers.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { factsOf } from "../fixtures/front.ts";
import { statusOf } from "../fixtures/pool.ts";

const done: string[] = [];
const clock = createTestClock({ now: 0 });
const tail = new Tail(defaultLimits);
const limits = { settleMsMax: 7, tailWaitMs: 3_000 };
const actions = serverActions(
  {
    settled: (name, ms) => Promise.resolve((done.push(`${name} ${ms}`), statusOf(name))),
    restart: (name) => Promise.resolve(void done.push(`restart ${name}`)),
    tools: () => null,
    status: () => factsOf({ backends: [statusOf("web")] }).status(),
  },
  tail,
  clock,
  limits,
);
const run = async (path: string, id: string, body?: unknown): Promise<unknown> => {
  try {
    return await actions.find((action) => action.path === path)?.run({ id, body });
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : thrown;
  }
};

test("a server is waited for, and begun anew, for as long as is said and no longer than may be", async () => {
  expect(await run("/servers/:id/settled", "web", { ms: 5 })).toMatchObject({ name: "web", healthy: true });
  expect(await run("/servers/:id/restart", "web", { ms: 6 })).toMatchObject({ name: "web", state: "ready" });
  expect(done).toEqual(["web 5", "restart web", "web 6"]);
  for (const body of [undefined, {}, { ms: -1 }, { ms: limits.settleMsMax + 1 }]) for (const word of ["settled", "restart"]) expect(await run(`/servers/:id/${word}`, "web", body)).toBe("PARAMS_INVALID");
  expect(await run("/servers/:id/tools", "web")).toEqual({ server: "web", tools: null });
});

test("the last lines are told, and those that come while somebody waits", async () => {
  const query = { server: "web", after: 0, linesMax: 9, wait: false };
  expect(await run("/logs", "", query)).toEqual({ lines: [] });
  const waiting = run("/logs", "", { ...query, wait: true });
  const line = { time: "t", server: "web", level: "info", text: "ready" };
  tail.add(line);
  expect(await waiting).toEqual({ lines: [{ seq: 1, ...line }] });
  const late = run("/logs", "", { ...query, after: 1, wait: true });
  await clock.advance(limits.tailWaitMs);
  expect(await late).toEqual({ lines: [] });
});

test("of a server that is gone its last lines are there, and of nobody none", async () => {
  tail.add({ time: "t", server: "gone", level: "stderr", text: "bye" });
  const query = { after: 0, linesMax: 9, wait: false };
  expect(await run("/logs", "", { ...query, server: "gone" })).toMatchObject({ lines: [{ text: "bye" }] });
  expect(await run("/logs", "", { ...query, server: "nobody" })).toBe("NAME_UNKNOWN");
  expect(await run("/logs", "", { ...query, server: null })).toMatchObject({ lines: [{}, {}] });
  expect(await run("/logs", "", { server: 1 })).toBe("PARAMS_INVALID");
});
