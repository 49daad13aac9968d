import { expect, test } from "bun:test";
import { defaultLimits, systemClock, Tail } from "../../src/base/index.ts";
import { serverActions } from "../../src/front/index.ts";
import { runHere, startHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { factsOf } from "../fixtures/front.ts";
import { operated } from "../fixtures/operated.ts";
import { statusOf } from "../fixtures/pool.ts";

async function given() {
  const tail = new Tail(defaultLimits);
  const backends = [statusOf("web"), statusOf("git")];
  const server = await operated({ backends }, undefined, { actions: serverActions({ settled: (name) => Promise.resolve(statusOf(name)), restart: () => Promise.resolve(), tools: () => null, status: factsOf({ backends }).status }, tail, systemClock, defaultLimits) });
  const say = (name: string | null, text: string, level = "info"): void => tail.add({ time: "2026-01-02T03:04:05.678Z", server: name, level, text });
  return { server, say, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test("the last lines are told, of all or of one server, and nothing drives the terminal", async () => {
  await using at = await given();
  at.say("web", "ready");
  at.say("git", "no\u001b such file", "stderr");
  at.say(null, "own");
  expect(await runHere(["mcp", "logs", ...at.server.flags])).toEqual({ code: 0, stdout: "03:04:05.678 info   web: ready\n03:04:05.678 stderr git: no\\u001b such file\n03:04:05.678 info   own\n", stderr: "" });
  expect((await runHere(["mcp", "logs", "web", ...at.server.flags])).stdout).toBe("03:04:05.678 info   ready\n");
  expect((await runHere(["mcp", "logs", "-n", "1", ...at.server.flags])).stdout).toBe("03:04:05.678 info   own\n");
  expect(JSON.parse((await runHere(["mcp", "logs", "web", "--json", ...at.server.flags])).stdout)).toEqual({ seq: 1, time: "2026-01-02T03:04:05.678Z", server: "web", level: "info", text: "ready" });
  expect((await runHere(["mcp", "logs", "gti", ...at.server.flags])).code).toBe(4);
});

test("what comes is followed until somebody interrupts it", async () => {
  await using at = await given();
  at.say("web", "first");
  const here = startHere(["mcp", "logs", "web", "-f", ...at.server.flags]);
  await here.stdout.said("first");
  at.say("git", "not this");
  at.say("web", "second");
  await here.stdout.said("second");
  here.signals.emit("SIGINT");
  expect([await here.code, here.stdout.text()]).toEqual([0, "03:04:05.678 info   first\n03:04:05.678 info   second\n"]);
  expect(here.signals.listenerCount("SIGINT")).toBe(0);
});

test("who follows can interrupt it from the first line on", async () => {
  await using at = await given();
  at.say("web", "first");
  const here = startHere(["mcp", "logs", "web", "-f", ...at.server.flags]);
  const { write } = here.stdout;
  here.stdout.write = (text) => {
    write(text);
    here.signals.emit("SIGINT");
  };
  expect([await here.code, here.stdout.text()]).toEqual([0, "03:04:05.678 info   first\n"]);
});

test("following ends with the server, and says so; without one there is nothing to tell", async () => {
  await using at = await given();
  at.say("web", "first");
  const here = startHere(["mcp", "logs", "-f", ...at.server.flags]);
  await here.stdout.said("first");
  await at.server.close();
  expect([await here.code, here.stderr.text().includes("no 1mcp server can be reached")]).toEqual([1, true]);
  await using folder = await createFolder();
  expect((await runHere(["mcp", "logs", "--state-dir", folder.at("state")])).code).toBe(1);
});
