import { expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { failed } from "../../src/cli/failed.ts";
import { keptOutput } from "../fixtures/cli.ts";

test("a failure is printed with what to do, and has the exit code of its kind; a bug has its stack", () => {
  const stderr = keptOutput();
  expect([failed(stderr, fault("USAGE", { detail: "why" })), failed(stderr, new Error("bug"))]).toEqual([2, 1]);
  expect(stderr.text()).toStartWith("1mcp: the command line is not valid (why)\nhint: see --help\n");
  expect(stderr.text()).toContain("Error: bug");
});
