import { expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { failed } from "../../src/cli/failed.ts";
import { keptOutput } from "../fixtures/cli.ts";

test("a failure is printed with what to do, and has the exit code of its kind; a bug has its stack", () => {
  const stderr = keptOutput();
  expect([failed({ stderr, argv: ["status"] }, fault("USAGE", { detail: "why" })), failed({ stderr, argv: [] }, new Error("bug"))]).toEqual([2, 1]);
  expect(stderr.text()).toStartWith("1mcp: the command line is not valid (why)\nhint: see --help\n");
  expect(stderr.text()).toContain("Error: bug");
});

test("where a command's codes mean other things, whatever goes wrong with it has its one, also if its line was refused", () => {
  const stderr = keptOutput();
  const usage = fault("USAGE", { detail: "why" });
  expect([["run", "a/b"], ["run", "a/b", "--no-such-flag"], ["--no-such-flag"]].map((argv) => failed({ stderr, argv }, usage))).toEqual([1, 1, 2]);
});
