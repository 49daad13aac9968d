import { expect, test } from "bun:test";
import { createProgress } from "../../src/cli/progress.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";

test("nothing is seen of what takes less than a second", async () => {
  const [clock, stderr] = [createTestClock(), keptOutput()];
  const progress = createProgress({ stderr, clock, isTerminal: true }, "working");
  await clock.advance(999);
  progress.end();
  await clock.advance(5_000);
  expect([stderr.text(), clock.pending]).toEqual(["", 0]);
});

test("on a terminal one line is drawn anew, makes room, and is gone in the end", async () => {
  const [clock, stderr] = [createTestClock(), keptOutput()];
  const progress = createProgress({ stderr, clock, isTerminal: true, columns: 20 }, "working\u001b[2J");
  await clock.advance(1_000);
  expect(stderr.text()).toBe("\r\u001b[2Kworking\\u001b[ (1 s)");
  progress.clear();
  progress.say("3/5");
  await clock.advance(1_000);
  progress.end();
  progress.end();
  expect(stderr.text().slice(25)).toBe("\r\u001b[2K\r\u001b[2K3/5 (2 s)\r\u001b[2K");
});

test("elsewhere each thing is said once, as a line of its own", async () => {
  const [clock, stderr] = [createTestClock(), keptOutput()];
  const progress = createProgress({ stderr, clock, isTerminal: false }, "working");
  await clock.advance(3_000);
  progress.say("1/2");
  progress.say("2/2");
  await clock.advance(3_000);
  progress.end();
  expect(stderr.text()).toBe("1mcp: working\n1mcp: 2/2\n");
});
