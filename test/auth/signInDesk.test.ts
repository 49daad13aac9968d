import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { faultOf, fixedBounds } from "../../src/base/index.ts";
import { openAuth } from "../fixtures/auth.ts";
import { temporaryDir } from "../fixtures/program.ts";

const signIn = { issuer: "https://login.example", clientId: "x", scopes: ["tag:web"] };

test("nothing is asked of a company before somebody signs in, and its two addresses are served", async () => {
  // The way out of this one refuses everything.
  await using stage = await openAuth({ access: { signIn } });
  expect(stage.auth.paths.filter((path) => path.startsWith("/sign-in"))).toEqual(["/sign-in", "/sign-in/callback"]);
  expect(stage.auth.takesPeople).toBe(true);
});

test("a secret that cannot be read, or is none, refuses the start", async () => {
  await using folder = await temporaryDir();
  const path = join(folder.path, "secret");
  const opened = (from = path): Promise<string> => openAuth({ access: { signIn: { ...signIn, clientSecretFile: from } } }).then((stage) => stage[Symbol.asyncDispose]()).then(() => "opened", (thrown: unknown) => faultOf(thrown).code);
  expect(await opened()).toBe("CONFIG_INVALID");
  for (const text of ["\n", "x".repeat(fixedBounds.secretFileBytesMax + 1)]) {
    await writeFile(path, text);
    expect(await opened()).toBe("CONFIG_INVALID");
  }
  // What never ends is not waited for.
  expect(await opened("/dev/zero")).toBe("CONFIG_INVALID");
});
