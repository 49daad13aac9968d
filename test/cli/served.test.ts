import { expect, test } from "bun:test";
import { lifecycleVerbs as verbs } from "../../src/cli/flags.ts";
import { createFolder } from "../fixtures/folder.ts";
import { runHere } from "../fixtures/cli.ts";
import { shell, startShell } from "../fixtures/shell.ts";

test("one thing at a time is done with a server", async () => {
  for (const [at, verb] of verbs.entries()) {
    const other = verbs[(at + 1) % verbs.length] ?? "";
    expect(await runHere(["serve", `--${verb}`, `--${other}`])).toMatchObject({ code: 2, stderr: expect.stringContaining("are given") });
  }
});

test("the first run asks at a terminal, and never in a pipe, nor where a file is named, nor twice", async () => {
  await using folder = await createFolder();
  const env = { HOME: folder.path };
  const begin = ["--state-dir", folder.at("state"), "--port", "0"];
  const asked = startShell(begin, { env, terminal: true, types: [["Name: ", "one\n"], ["Its command", "npx -y 'a b'\n"], ["Another", "\n"]] });
  await asked.stderr.said("listens on");
  asked.signals.emit("SIGTERM");
  expect(await asked.code).toBe(0);
  expect(await Bun.file(folder.at(".config", "1mcp", "mcp.json")).json()).toEqual({ mcpServers: { one: { command: "npx", args: ["-y", "a b"] } } });
  const again = startShell(begin, { env, terminal: true, types: [] });
  await again.stderr.said("listens on");
  again.signals.emit("SIGTERM");
  await again.code;
  expect(again.stderr.text()).not.toContain("Name: ");
  for (const options of [{ terminal: false, types: [] }, { terminal: true }] as const) {
    const piped = startShell(begin, { env: { HOME: folder.at("elsewhere") }, ...options });
    await piped.stderr.said("listens on");
    piped.signals.emit("SIGTERM");
    await piped.code;
    expect(piped.stderr.text()).not.toContain("Name: ");
  }
  expect((await shell(["--config", folder.at("none.json"), "--state-dir", folder.at("state")], { env: { HOME: folder.at("elsewhere") }, terminal: true, types: [] })).stderr).not.toContain("Name: ");
});
