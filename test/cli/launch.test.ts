import { expect, test } from "bun:test";
import { launchEnvironment } from "../../src/base/index.ts";
import { launch } from "../../src/cli/launch.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";

test("the launcher is nobody's to start but a proxy's, whatever follows its word", async () => {
  for (const words of [["launch"], ["launch", "sh", "--version"], ["launch", "--help"]]) {
    const { code, stdout, stderr } = await runHere(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("the launcher is started by a proxy");
  }
});

test("a program that cannot be run is told with what could not be had, and the code that shells give", async () => {
  const output = keptOutput();
  const environment = launchEnvironment({ file: "/nowhere/program", cwd: process.cwd(), required: false, files: null, network: true, calls: true, limits: [] } as never, { A: "b" });
  const environ = () => Buffer.from(Object.entries(environment).map(([name, value]) => `${name}=${value}\0`).join(""));
  const confiner = { landlock: 0, filters: false, confine: () => ["no such bound here"], become: () => 2 };
  expect(await launch(["/nowhere/program"], output, { confiner: async () => confiner, environ })).toBe(127);
  expect(output.text()).toBe("1mcp: no such bound here\n1mcp: /nowhere/program cannot be run: error 2\n");
});
