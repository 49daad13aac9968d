import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { shownCommands } from "../../src/cli/commands.ts";
import { flags } from "../../src/cli/flags.ts";
import { runHere } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";
import { cleanEnv, programArgv } from "../fixtures/program.ts";

const bash = Bun.which("bash");

/** What a real bash offers for the last word. */
async function offered(script: string, words: readonly string[], env: Record<string, string> = cleanEnv()): Promise<string[]> {
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _1mcp; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const child = Bun.spawn([bash ?? "bash", "--norc", "--noprofile", "-c", ask, "bash", script, "1mcp", ...words], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(errors).toBe("");
  return text.split("\n").filter((line) => line !== "");
}

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await runHere(["completion", shell]);
  expect(code).toBe(0);
  return stdout;
}

describe.skipIf(bash === null)("in a real bash", () => {
  test("commands, the words after them, flags and files are completed, whatever flags stand between", async () => {
    await using folder = await createFolder();
    const script = folder.at("c.bash");
    await writeFile(script, await scriptFor("bash"));
    expect(await offered(script, ["ru"])).toEqual(["run"]);
    expect(await offered(script, ["--config", "run", "--json", "config", "c"])).toEqual(["check"]);
    expect(await offered(script, ["--config=x", "token", ""])).toEqual(["create", "list", "rotate", "revoke"]);
    expect(await offered(script, ["run", "a/b", "--max"])).toEqual(["--max-chars"]);
    expect(await offered(script, ["--ba"])).toEqual(["--background"]);
    expect(await offered(script, ["status", "--port"])).toEqual([]);
    expect(await offered(script, ["inspect", "--format", ""])).toEqual([]);
    expect(await offered(script, ["--ver"])).toEqual(["--version"]);
    expect(await offered(script, ["completion", "z"])).toEqual(["zsh"]);
    const all = await offered(script, [""]);
    expect(all.sort()).toEqual([...new Set(shownCommands.map(({ words }) => words[0] ?? ""))].sort());
  });
});

/** What each shell is asked for the last of some words, with our script read. */
const asks: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => ["--norc", "--noprofile", "-c", `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _1mcp; printf '%s\\n' "\${COMPREPLY[@]}"`, "bash", "c", "1mcp", ...words],
  // Outside of its line editor there is nothing to add to, so what would be added is printed, as far as it fits.
  zsh: (words) => ["-f", "-c", `compdef() { : }; compadd() { shift; print -l -- \${(M)@:#$words[CURRENT]*} }; source "$1"; shift; words=("$@"); CURRENT=$#; _1mcp`, "zsh", "c", "1mcp", ...words],
  fish: (words) => ["--no-config", "-c", `source c; complete -C "1mcp ${words.join(" ")}" | cut -f 1`],
};

describe.each(Object.keys(asks))("in a real %s", (shell) => {
  test.skipIf(Bun.which(shell) === null)("names of servers, presets and applications are completed where one is wanted, and none that a shell would run", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("c"), await scriptFor(shell));
    await mkdir(folder.at("bin"));
    await writeFile(folder.at("bin", "1mcp"), `#!/bin/sh\nexec ${programArgv().map((word) => `'${word}'`).join(" ")} "$@"\n`, { mode: 0o755 });
    const servers = { web: { command: "true" }, wiki: { command: "true", disabled: true } };
    await writeFile(folder.at("good.json"), JSON.stringify({ mcpServers: servers, presets: { work: { filter: "web" } } }), { mode: 0o600 });
    await writeFile(folder.at("evil.json"), JSON.stringify({ mcpServers: { ...servers, [`$(touch ${folder.at("run")})`]: { command: "true" } } }), { mode: 0o600 });
    const names = async (config: string, ...words: readonly string[]): Promise<string[]> => {
      const env = cleanEnv({ HOME: folder.path, PATH: `${folder.at("bin")}:${process.env["PATH"]}`, ONE_MCP_CONFIG: folder.at(config) });
      const child = Bun.spawn([shell, ...(asks[shell]?.(words) ?? [])], { cwd: folder.path, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      const [text, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      expect(errors).toBe("");
      return text.split("\n").filter((line) => line !== "").sort();
    };
    expect(await names("good.json", "mcp", "remove", "")).toEqual(["web", "wiki"]);
    expect(await names("good.json", "mcp", "tools", "deny", "wi")).toEqual(["wiki"]);
    expect(await names("good.json", "mcp", "add", "")).toEqual([]);
    expect(await names("good.json", "preset", "url", "")).toEqual(["work"]);
    expect(await names("good.json", "app", "connect", "curs")).toEqual(["cursor"]);
    expect(await names("evil.json", "mcp", "remove", "")).toEqual(["web", "wiki"]);
    expect(existsSync(folder.at("run"))).toBe(false);
  }, 30_000);
});

describe.each(["zsh", "fish"])("for %s", (shell) => {
  test("every command and every flag is named, and the shell can read it where there is one", async () => {
    const script = await scriptFor(shell);
    for (const { words } of shownCommands) for (const word of words) expect(script).toContain(word);
    for (const { name } of flags) expect(script).toContain(shell === "fish" ? `-l ${name}` : `--${name}`);
    const found = Bun.which(shell);
    if (found === null) return;
    await using folder = await createFolder();
    await writeFile(folder.at("script"), script);
    expect(await Bun.spawn([found, "-n", folder.at("script")]).exited).toBe(0);
  });
});

test("for a shell that is none of these there is a word of which there are", async () => {
  expect(await runHere(["completion"])).toMatchObject({ code: 2, stderr: expect.stringContaining("bash, zsh, fish") });
  expect(await runHere(["completion", "bosh"])).toMatchObject({ code: 2, stderr: expect.stringContaining("did you mean bash?") });
  expect(await runHere(["completion", "constructor"])).toMatchObject({ code: 2 });
});
