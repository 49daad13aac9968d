import { expect, test } from "bun:test";
import { open } from "node:fs/promises";
import { isNoTerminal } from "../../src/cli/device.ts";
import { createFolder } from "../fixtures/folder.ts";
import { typedAt } from "../fixtures/onTerminal.ts";
import { cleanEnv, projectDir } from "../fixtures/program.ts";

test("a file and the null device are no terminal for certain; what is closed is not known", async () => {
  await using folder = await createFolder();
  await using file = await open(folder.at("file"), "w");
  await using none = await open("/dev/null", "r");
  expect([isNoTerminal(file.fd), isNoTerminal(none.fd), isNoTerminal(9_999)]).toEqual([true, true, false]);
});

test("a pipe is none either, and a terminal may be one", async () => {
  const asked = [process.execPath, "-e", 'console.log(JSON.stringify([0, 1].map(require("./src/cli/device.ts").isNoTerminal)))'];
  const piped = Bun.spawn(asked, { cwd: projectDir, env: cleanEnv(), stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  expect(await new Response(piped.stdout).json()).toEqual([true, true]);
  expect((await typedAt(asked, [], { cwd: projectDir, env: cleanEnv() })).text.trim()).toBe("[false,false]");
});
