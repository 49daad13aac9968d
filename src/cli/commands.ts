/** The table of commands, each loaded when it is run and not before: most of the program is not needed by most commands. */
import type { Run } from "./occasion.ts";

export interface Command {
  /** The words that name it. */
  readonly words: readonly string[];
  readonly about: string;
  /** What stands in help for the one word that may follow; null: none may. */
  readonly operand: string | null;
  /** What stands in help for words after that one, as many as there are; null: none may. */
  readonly more: string | null;
  /** A command of its own may stand behind `--`. */
  readonly behind: boolean;
  /** The exit code of whatever goes wrong with it, its command line included; null: each failure has its own. */
  readonly failure: number | null;
  /** Not for people, and not in help. */
  readonly hidden: boolean;
  readonly load: () => Promise<Run>;
}

const command = (words: string, about: string, load: () => Promise<Run>, { operand = null, more = null, behind = false, failure = null, hidden = false }: Partial<Pick<Command, "operand" | "more" | "behind" | "failure" | "hidden">> = {}): Command =>
  Object.freeze({ words: Object.freeze(words.split(" ")), about, operand, more, behind, failure, hidden, load });

const demo = async (): Promise<Run> => {
  const { runDemo } = await import("./demo.ts");
  return () => runDemo().then(() => 0);
};

/** Every command. The first one is run when none is named. */
export const commands: readonly Command[] = Object.freeze([
  command("serve", "start the proxy (also without a command)", async () => (await import("./served.ts")).served),
  command("proxy", "bridge a client on stdin and stdout to a running server", async () => (await import("./proxy.ts")).proxy),
  command("status", "say how the running server and its servers are", async () => (await import("./status.ts")).status, { operand: "SERVER" }),
  command("audit", "what was decided about whom, from the audit log", async () => (await import("./audit.ts")).audit),
  command("audit verify", "say whether any line of the audit log was changed, added or taken away", async () => (await import("./audit.ts")).verify),
  command("mcp add", "write a server into the configuration, and have the running one take it", async () => (await import("./servers.ts")).add, { operand: "NAME", behind: true }),
  command("mcp update", "change a server's entry", async () => (await import("./servers.ts")).update, { operand: "SERVER", behind: true }),
  command("mcp remove", "take a server away", async () => (await import("./servers.ts")).remove, { operand: "SERVER" }),
  command("mcp uninstall", "the same", async () => (await import("./servers.ts")).remove, { operand: "SERVER", hidden: true }),
  command("mcp enable", "switch a server on", async () => (await import("./servers.ts")).enable, { operand: "SERVER" }),
  command("mcp disable", "switch a server off, and keep its entry", async () => (await import("./servers.ts")).disable, { operand: "SERVER" }),
  command("mcp list", "the servers in the configuration", async () => (await import("./serverList.ts")).list),
  command("mcp status", "say how the servers are, as “status” does", async () => (await import("./status.ts")).status, { operand: "SERVER" }),
  command("mcp restart", "begin a server anew; calls that run there come to their end", async () => (await import("./restart.ts")).restart, { operand: "SERVER" }),
  command("mcp logs", "the last lines of the log, and of what servers say", async () => (await import("./logs.ts")).logs, { operand: "SERVER" }),
  command("mcp tools", "the tools of a server, and which of them are shown", async () => (await import("./tools.ts")).tools, { operand: "SERVER" }),
  command("mcp tools enable", "show these tools again", async () => (await import("./tools.ts")).enableTools, { operand: "SERVER", more: "TOOL" }),
  command("mcp tools disable", "neither show nor call these tools", async () => (await import("./tools.ts")).disableTools, { operand: "SERVER", more: "TOOL" }),
  command("mcp tools allow", "only tools with names like these", async () => (await import("./tools.ts")).allowTools, { operand: "SERVER", more: "PATTERN" }),
  command("mcp tools deny", "no tools with names like these", async () => (await import("./tools.ts")).denyTools, { operand: "SERVER", more: "PATTERN" }),
  command("mcp tools forget", "take such rules back", async () => (await import("./tools.ts")).forgetTools, { operand: "SERVER", more: "PATTERN" }),
  command("mcp pins", "what a server defines now that is not what was trusted", async () => (await import("./mcp.ts")).pins, { operand: "SERVER" }),
  command("mcp trust", "show the same, and trust it from now on", async () => (await import("./mcp.ts")).trust, { operand: "SERVER" }),
  command("preset list", "the presets there are", async () => (await import("./preset.ts")).list),
  command("preset show", "one preset, and which servers it selects", async () => (await import("./preset.ts")).show, { operand: "PRESET" }),
  command("preset create", "a name for a selection of servers", async () => (await import("./preset.ts")).create, { operand: "NAME" }),
  command("preset edit", "change what a preset selects, or its description", async () => (await import("./preset.ts")).edit, { operand: "PRESET" }),
  command("preset delete", "take a preset away", async () => (await import("./preset.ts")).remove, { operand: "PRESET" }),
  command("preset test", "which servers a preset or an expression selects", async () => (await import("./preset.ts")).test, { operand: "PRESET" }),
  command("preset url", "the address for clients that are to see its servers alone", async () => (await import("./preset.ts")).url, { operand: "PRESET" }),
  command("app list", "the applications that are known, and which of them are here", async () => (await import("./app.ts")).list),
  command("app discover", "the servers that applications here have, and what could move", async () => (await import("./app.ts")).discover),
  command("app consolidate", "take an application's servers in, or all of them, and give it one entry for all", async () => (await import("./appMove.ts")).consolidateApps, { operand: "APP" }),
  command("app restore", "give an application its file back, byte for byte", async () => (await import("./appMove.ts")).restore, { operand: "APP" }),
  command("app backups", "what applications' files were before they were changed", async () => (await import("./app.ts")).backups),
  command("app connect", "write one entry that leads to us, and change nothing else", async () => (await import("./appConnect.ts")).connect, { operand: "APP" }),
  command("app disconnect", "take that entry back", async () => (await import("./appConnect.ts")).disconnect, { operand: "APP" }),
  command("explain", "which rules show or hide a tool; what an error's code means", async () => (await import("./explain.ts")).explain, { operand: "TOOL" }),
  command("mcp tokens", "what the tools of each server cost a model, and what searching them would save", async () => (await import("./tokens.ts")).tokens, { operand: "SERVER" }),
  command("instructions", "what an agent at the shell has to know of the servers", async () => (await import("./instructions.ts")).instructions),
  command("inspect", "the servers; the tools of SERVER; what SERVER/TOOL takes", async () => (await import("./inspect.ts")).inspect, { operand: "TARGET" }),
  command("run", "call SERVER/TOOL, and print what it gives", async () => (await import("./call.ts")).runTool, { operand: "TOOL", failure: 1 }),
  command("wait", "wait until the servers, or one of them, can be called", async () => (await import("./wait.ts")).wait, { operand: "SERVER" }),
  command("approve", "who asks for a grant, and your decision", async () => (await import("./approve.ts")).approve),
  command("open", "have your browser be the operator's", async () => (await import("./open.ts")).open),
  command("token create", "make a token, and print it this once", async () => (await import("./token.ts")).create),
  command("token list", "the tokens there are", async () => (await import("./token.ts")).list),
  command("token rotate", "another token in its place; the old one is valid for a while yet", async () => (await import("./token.ts")).rotate, { operand: "ID" }),
  command("token revoke", "end a token at once", async () => (await import("./token.ts")).revoke, { operand: "ID" }),
  command("auth grants", "who was granted what", async () => (await import("./auth.ts")).grants),
  command("auth revoke", "end a grant at once, with its open streams", async () => (await import("./auth.ts")).revoke, { operand: "ID" }),
  command("auth pins", "the clients that are pinned by their metadata documents", async () => (await import("./clients.ts")).pins),
  command("auth pin", "show a client's metadata document, and pin it as it is", async () => (await import("./clients.ts")).pin, { operand: "URL" }),
  command("auth unpin", "let that client in no more", async () => (await import("./clients.ts")).unpin, { operand: "URL" }),
  command("auth password", "set the password of the operator's pages", async () => (await import("./auth.ts")).password),
  command("auth login", "log in at a remote server, for the running proxy", async () => (await import("./login.ts")).login, { operand: "SERVER" }),
  command("auth logout", "forget the login at a remote server", async () => (await import("./login.ts")).logout, { operand: "SERVER" }),
  command("auth status", "say at which remote servers somebody is logged in", async () => (await import("./login.ts")).logins),
  command("config check", "say everything that is wrong with the configuration", async () => (await import("./config.ts")).check),
  command("config schema", "print the JSON Schema of a configuration", async () => (await import("./config.ts")).schema),
  command("config reload", "have the running server look at its configuration now", async () => (await import("./config.ts")).reload),
  command("config backup", "keep a copy of the configuration", async () => (await import("./configFile.ts")).backup),
  command("config backups", "the copies there are", async () => (await import("./configFile.ts")).backups),
  command("config restore", "put a copy back; the newest, if none is named", async () => (await import("./configFile.ts")).restore, { operand: "COPY" }),
  command("config diff", "what has changed since a copy", async () => (await import("./configFile.ts")).diff, { operand: "COPY" }),
  command("config edit", "change the configuration in your editor; it is checked before it counts", async () => (await import("./configEdit.ts")).edit),
  command("doctor", "look for what is wrong, and say what mends it", async () => (await import("./doctor.ts")).doctor),
  command("completion", "what your shell needs to complete these commands: bash, zsh or fish", async () => (await import("./completion.ts")).completionOf(shownCommands), { operand: "SHELL" }),
  command("service print", "print what a service manager needs: systemd or launchd", async () => (await import("./service.ts")).printService, { operand: "MANAGER" }),
  command("version", "print the version; with --verify say whether this executable is the one that was released", async () => (await import("./verify.ts")).printVersion),
  command("demo", "the demonstration server, on stdin and stdout", demo, { hidden: true }),
  command("supervise", "starts a server in the background, and again when it falls", async () => (await import("./supervise.ts")).supervise, { hidden: true }),
  command("watchdog", "ends what a killed proxy leaves", async () => (await import("./watchdog.ts")).watchdog, { hidden: true }),
]);

/** The words that may follow `words`. */
export const nextWords = (words: readonly string[], among: readonly Command[] = commands): string[] => {
  const following = among.filter((one) => startsWith(one.words, words)).map((one) => one.words[words.length]);
  return [...new Set(following.filter((word) => word !== undefined))];
};

/** The commands that people are told of. */
export const shownCommands: readonly Command[] = Object.freeze(commands.filter((one) => !one.hidden));

/** The command that `words` name exactly, or null. */
export const commandOf = (words: readonly string[]): Command | null =>
  commands.find((one) => one.words.length === words.length && startsWith(one.words, words)) ?? null;

/** Whether any command begins with `words`. */
export const isBeginning = (words: readonly string[]): boolean => commands.some((one) => startsWith(one.words, words));

const startsWith = (all: readonly string[], first: readonly string[]): boolean => first.every((word, index) => all[index] === word);
