/** The completions that go into packages: what `1mcp completion SHELL` prints, for as many shells as it knows, and none where there is no such command. */
import { join } from "node:path";
import { commandOf } from "../src/cli/commands.ts";
import { type Entry, fileEntry } from "./entry.ts";
import { runTool } from "./tool.ts";

/** Where each shell looks below a prefix such as /usr/share. */
export const completionPaths: Readonly<Record<string, string>> = Object.freeze({
  bash: "bash-completion/completions/1mcp",
  zsh: "zsh/site-functions/_1mcp",
  fish: "fish/vendor_completions.d/1mcp.fish",
});

/** The scripts below a prefix. Throws where the program has the command and fails. */
export async function completionsOf(top: string): Promise<Entry[]> {
  if (commandOf(["completion"]) === null) return [];
  return Promise.all(Object.entries(completionPaths).map(async ([shell, path]) => fileEntry(path, await printed(top, shell))));
}

async function printed(top: string, shell: string): Promise<string> {
  const ran = await runTool([process.execPath, join(top, "src", "main.ts"), "completion", shell], top, { PATH: process.env["PATH"], HOME: process.env["HOME"] });
  if (ran.code !== 0) throw new Error(`the completion for ${shell} could not be made\n${ran.output}`);
  return ran.stdout;
}
