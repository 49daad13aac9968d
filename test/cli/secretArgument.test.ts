import { expect, test } from "bun:test";
import { isSecretArgument } from "../../src/cli/secretArgument.ts";

test("an argument is likely to be a secret by its own name, the flag before it, or how it looks", () => {
  expect([["--token=abc", ""], ["ghp_abcdefghijklmnop", "x"], ["abc", "--password"]].map(([arg = "", before = ""]) => isSecretArgument(arg, before))).toEqual([true, true, true]);
  expect([["--token", ""], ["--other", "--token"], ["x", "--token=abc"]].map(([arg = "", before = ""]) => isSecretArgument(arg, before))).toEqual([false, false, false]);
});
