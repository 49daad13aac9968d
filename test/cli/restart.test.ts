import { expect, test } from "bun:test";
import { defaultLimits, fault, systemClock, Tail } from "../../src/base/index.ts";
import { serverActions } from "../../src/front/index.ts";
import { runHere, startHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";
import { operated } from "../fixtures/operated.ts";
import { statusOf } from "../fixtures/pool.ts";

test("a server is begun anew, and how it is then is told", async () => {
  const done: string[] = [];
  await using server = await operated({}, undefined, {
    actions: serverActions(
      {
        settled: (name, ms) => Promise.resolve((done.push(`${name} ${ms}`), statusOf(name, name === "bad" ? { state: "backing-off", reason: "gone" } : {}))),
        async restart(name) {
          if (name === "gti") throw fault("NAME_UNKNOWN");
          if (name === "off") throw fault("PARAMS_INVALID", { detail: "it is disabled" });
          done.push(`restart ${name}`);
        },
        tools: () => null,
        status: factsOf().status,
      },
      new Tail(defaultLimits),
      systemClock, defaultLimits,
    ),
  });
  const restart = (...argv: string[]) => runHere(["mcp", "restart", ...argv, ...server.flags]);
  expect(await restart("web")).toEqual({ code: 0, stdout: "web is ready\n", stderr: "" });
  expect(done).toEqual(["restart web", "web 5000"]);
  expect(JSON.parse((await restart("web", "--json", "--wait-ms", "7")).stdout)).toMatchObject({ name: "web", state: "ready" });
  expect(done.at(-1)).toBe("web 7");
  expect(await restart("bad")).toMatchObject({ code: 1, stdout: expect.stringContaining("does not come up") as string });
  expect((await restart("gti")).code).toBe(4);
  expect(await restart("off")).toMatchObject({ code: 1, stderr: expect.stringContaining("it is disabled") as string });
  expect((await restart()).code).toBe(2);
});

test("nothing runs: there is nothing to begin anew", async () => {
  await using folder = await createFolder();
  expect(await runHere(["mcp", "restart", "web", "--state-dir", folder.at("state")])).toMatchObject({ code: 1, stderr: expect.stringContaining("there is nothing to restart") as string });
});

test("one that runs and does not answer is not said to be none", async () => {
  await using server = await operated();
  await server.close();
  const { code, stderr } = await runHere(["mcp", "restart", "web", ...server.flags]);
  expect([code, stderr.includes("does not answer"), stderr.includes("nothing runs")]).toEqual([1, true, false]);
});

test("who waits for longer than a moment is told for what", async () => {
  const clock = createTestClock({ now: Date.now() });
  const [asked, come] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const settled = async (name: string) => {
    asked.resolve();
    await come.promise;
    return statusOf(name);
  };
  await using server = await operated({}, undefined, { actions: serverActions({ settled, restart: () => Promise.resolve(), tools: () => null, status: factsOf().status }, new Tail(defaultLimits), systemClock, defaultLimits) });
  const here = startHere(["mcp", "restart", "web", ...server.flags], {}, { clock });
  await asked.promise;
  expect(here.stderr.text()).toBe("");
  await clock.advance(1_000);
  expect(here.stderr.text()).toBe("waiting for web, 5 s at most …\n");
  come.resolve();
  expect(await here.code).toBe(0);
});
