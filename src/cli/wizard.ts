/** The first run at a terminal: a few questions in place of a document, all of which may be left out. */
import { defaultConfigPath, editConfig } from "../config/index.ts";
import { tameText } from "./format.ts";
import type { Occasion } from "./occasion.ts";
import { issueText } from "./print.ts";
import { Lines } from "./typed.ts";

/** Asks for servers, one after the other, and writes them into the configuration. Never throws for what somebody types. */
export async function firstRun(occasion: Occasion): Promise<void> {
  const { stderr, pipes, env } = occasion;
  const path = defaultConfigPath(env);
  const lines = new Lines(pipes().input);
  const ask = async (question: string): Promise<string> => {
    stderr.write(question);
    return (await lines.next())?.trim() ?? "";
  };
  stderr.write(tameText(`There is no configuration yet; it will be ${path}.\nName your first MCP server, or press Enter to see the demonstration.\n`));
  for (let name = await ask("Name: "); name !== ""; name = await ask("Another server (Enter: that is all): ")) {
    // Nobody types a command for a name that cannot be had.
    if (!(await put(occasion, path, name, placeholder, true))) continue;
    const reached = await ask("Its command (npx -y …) or address (https://…): ");
    if (reached === "") break;
    if (await put(occasion, path, name, entryOf(reached), false)) stderr.write(tameText(`  ${name} is written into ${path}\n`));
  }
}

const placeholder = Object.freeze({ command: "-" });

/** An entry as people name servers: by an address, or by what they would type. */
export function entryOf(typed: string): Readonly<Record<string, unknown>> {
  if (/^https?:\/\//.test(typed)) return { url: typed };
  const [command = "", ...args] = wordsOf(typed);
  return args.length === 0 ? { command } : { command, args };
}

/** The words of a command line: what stands between quotes belongs together, also where a word begins before them (--root="/my files"). */
const wordsOf = (line: string): string[] => [...line.matchAll(/(?:"[^"]*"|'[^']*'|\S)+/g)].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ""));

/** Puts an entry into the file, or says why it cannot be there. */
async function put({ stderr, clock }: Occasion, path: string, name: string, entry: Readonly<Record<string, unknown>>, dryRun: boolean): Promise<boolean> {
  let isTaken = false;
  const edited = await editConfig({
    path,
    clock,
    dryRun,
    changes(file) {
      isTaken = Object.hasOwn((file["mcpServers"] ?? {}) as object, name);
      return isTaken ? [] : [{ path: ["mcpServers", name], value: entry }];
    },
  });
  if (isTaken) stderr.write(tameText(`  there is a server “${name}” already; give this one another name\n`));
  if (!edited.ok) for (const issue of edited.issues) stderr.write(issueText(edited.path, issue));
  return edited.ok && !isTaken;
}
