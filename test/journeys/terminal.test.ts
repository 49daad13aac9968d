/** Commands on a real terminal: what a person types there, and what he must not see of it. */
import { describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { onTerminal, typedAt } from "../fixtures/onTerminal.ts";
import { cleanEnv, programArgv, temporaryDir } from "../fixtures/program.ts";

/** A shell at which somebody types: gives what it has shown when that is there. */
async function shellSays(argv: readonly string[], typed: readonly (readonly [shown: string, keys: string])[]): Promise<{ code: number; text: string }> {
  await using dir = await temporaryDir();
  await mkdir(`${dir.path}/bin`);
  await writeFile(`${dir.path}/bin/1mcp`, `#!/bin/sh\nexec ${programArgv().map((word) => `'${word}'`).join(" ")} "$@"\n`, { mode: 0o755 });
  const env = cleanEnv({ HOME: dir.path, TERM: "dumb", PS1: "$ ", PATH: `${dir.path}/bin:${process.env["PATH"]}` });
  return await typedAt(argv, typed, { env, cwd: dir.path });
}

// Windows has no terminal of this kind.
describe.skipIf(process.platform === "win32")("on a terminal", () => {
  test("a password is typed twice and never seen, and can be given up", async () => {
    await using dir = await temporaryDir();
    const flags = ["--state-dir", `${dir.path}/state`, "--config", `${dir.path}/none.json`];
    await Bun.write(`${dir.path}/none.json`, "{}");
    const set = await onTerminal(["auth", "password", ...flags], [["New password: ", "correct horse\r"], ["Once more: ", "correct horsx\u007fe\r"]]);
    expect([set.code, set.text.includes("the password is set"), set.text.includes("correct"), set.text.includes("horse")]).toEqual([0, true, false, false]);
    const given = await onTerminal(["auth", "password", ...flags], [["New password: ", "cor\u0003"]]);
    expect([given.code, given.text.includes("cancelled"), given.text.includes("cor\u0003")]).toEqual([1, true, false]);
  });

  // What is typed is echoed, so each answer waits for what only the shell can have written.
  test.each([
    ["bash", ["--norc", "--noprofile", "-i"], "source <(1mcp completion bash)"],
    ["zsh", ["-f", "-i"], "autoload -U compinit; compinit -D; source <(1mcp completion zsh)"],
    ["fish", ["--no-config", "-i"], "1mcp completion fish | source"],
  ] as const)("%s completes what is begun, where there is one", async (shell, flags, begin) => {
    const found = Bun.which(shell);
    if (found === null) return;
    const { text } = await shellSays([found, ...flags], [["", `${begin}; echo be''gun\r`], ["begun", "1mcp expl\tBACKEND_DOWN --js\t; echo en''ded\r"], ["ended", "exit\r"]]);
    expect(Bun.stripANSI(text)).toContain('"code": "BACKEND_DOWN"');
  }, 30_000);
});
