import { expect, test } from "bun:test";
import { defaultLimits, fault, systemClock, Tail } from "../../src/base/index.ts";
import { serverActions } from "../../src/front/index.ts";
import { runHere } from "../fixtures/cli.ts";
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
      systemClock,
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
