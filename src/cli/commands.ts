/** The table of commands, each loaded when it is run and not before: most of the program is not needed by most commands. */
import type { Run } from "./occasion.ts";

export interface Command {
  /** The words that name it. */
  readonly words: readonly string[];
  readonly about: string;
  /** What stands in help for the one word that may follow; null: none may. */
  readonly operand: string | null;
  /** Not for people, and not in help. */
  readonly hidden: boolean;
  readonly load: () => Promise<Run>;
}

const command = (words: string, about: string, load: () => Promise<Run>, { operand = null, hidden = false }: Partial<Pick<Command, "operand" | "hidden">> = {}): Command =>
  Object.freeze({ words: Object.freeze(words.split(" ")), about, operand, hidden, load });

const demo = async (): Promise<Run> => {
  const { runDemo } = await import("./demo.ts");
  return () => runDemo().then(() => 0);
};

/** Every command. The first one is run when none is named. */
export const commands: readonly Command[] = Object.freeze([
  command("serve", "start the proxy (also without a command)", async () => (await import("./serve.ts")).serve),
  command("proxy", "bridge a client on stdin and stdout to a running server", async () => (await import("./proxy.ts")).proxy),
  command("status", "say how the running server and its servers are", async () => (await import("./status.ts")).status, { operand: "SERVER" }),
  command("audit", "what was decided about whom, from the audit log", async () => (await import("./audit.ts")).audit),
  command("audit verify", "say whether any line of the audit log was changed, added or taken away", async () => (await import("./audit.ts")).verify),
  command("mcp pins", "what a server defines now that is not what was trusted", async () => (await import("./mcp.ts")).pins, { operand: "SERVER" }),
  command("mcp trust", "show the same, and trust it from now on", async () => (await import("./mcp.ts")).trust, { operand: "SERVER" }),
  command("approve", "who asks for a grant, and your decision", async () => (await import("./approve.ts")).approve),
  command("open", "have your browser be the operator's", async () => (await import("./open.ts")).open),
  command("token create", "make a token, and print it this once", async () => (await import("./token.ts")).create),
  command("token list", "the tokens there are", async () => (await import("./token.ts")).list),
  command("token rotate", "another token in its place; the old one is valid for a while yet", async () => (await import("./token.ts")).rotate, { operand: "ID" }),
  command("token revoke", "end a token at once", async () => (await import("./token.ts")).revoke, { operand: "ID" }),
  command("auth grants", "who was granted what", async () => (await import("./auth.ts")).grants),
  command("auth revoke", "end a grant at once, with its open streams", async () => (await import("./auth.ts")).revoke, { operand: "ID" }),
  command("auth password", "set the password of the operator's pages", async () => (await import("./auth.ts")).password),
  command("auth login", "log in at a remote server, for the running proxy", async () => (await import("./login.ts")).login, { operand: "SERVER" }),
  command("auth logout", "forget the login at a remote server", async () => (await import("./login.ts")).logout, { operand: "SERVER" }),
  command("auth status", "say at which remote servers somebody is logged in", async () => (await import("./login.ts")).logins),
  command("config check", "say everything that is wrong with the configuration", async () => (await import("./config.ts")).check),
  command("config schema", "print the JSON Schema of a configuration", async () => (await import("./config.ts")).schema),
  command("config reload", "have the running server look at its configuration now", async () => (await import("./config.ts")).reload),
  command("service print", "print what a service manager needs: systemd or launchd", async () => (await import("./service.ts")).printService, { operand: "MANAGER" }),
  command("version", "print the version; with --verify say whether this executable is the one that was released", async () => (await import("./verify.ts")).printVersion),
  command("demo", "the demonstration server, on stdin and stdout", demo, { hidden: true }),
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
