import { expect, test } from "bun:test";
import { processEnv } from "../../src/config/index.ts";

test("the environment is a frozen copy", () => {
  const env = processEnv();
  expect(env["PATH"]).toBeString();
  expect(Object.isFrozen(env)).toBeTrue();
});
