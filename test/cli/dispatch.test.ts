import { expect, test } from "bun:test";
import { dispatch, ownEnv } from "../../src/cli/dispatch.ts";
import { keptOutput } from "../fixtures/cli.ts";

const around = (argv: readonly string[], env: Record<string, string> | null = {}) => ({ argv, env, stdout: keptOutput(), stderr: keptOutput(), signals: process, pipes: () => ({}) as never, clock: null, selfArgv: [] });

test("a command line becomes its command, with the environment behind it", async () => {
  const here = around(["explain", "USAGE"], { ONE_MCP_JSON: "1" });
  expect([await dispatch(here), JSON.parse(here.stdout.text())]).toMatchObject([0, { code: "USAGE" }]);
  expect(await dispatch(around(["explain", "USAGE"], null))).toBe(0);
  expect(ownEnv()["PATH"]).toBe(process.env["PATH"] ?? "");
});

test("what cannot be read is refused", async () => {
  await expect(dispatch(around(["nonsense"]))).rejects.toMatchObject({ code: "USAGE" });
  await expect(dispatch(around(["serve"], { ONE_MCP_PORT: "x" }))).rejects.toMatchObject({ code: "USAGE" });
});
