/**
 * The one table of exit codes. Help, the manual and the reference page are made from it; scripts count on it, so a code
 * once given keeps its meaning.
 */

export interface Exit {
  readonly code: number;
  /** The commands that end so; null: all of them. */
  readonly commands: readonly string[] | null;
  /** When, in a phrase. */
  readonly about: string;
}

const exit = (code: number, commands: readonly string[] | null, about: string): Exit => Object.freeze({ code, commands: commands === null ? null : Object.freeze(commands), about });

/** Commands that are about one server of the configuration. */
const aboutServer = Object.freeze(["mcp add", "mcp update", "mcp remove", "mcp enable", "mcp disable", "mcp restart", "mcp logs", "mcp tools", "mcp tools enable", "mcp tools disable", "mcp tools allow", "mcp tools deny", "mcp tools forget", "mcp tokens"]);

/** Every exit code, those of all commands first. */
export const exits: readonly Exit[] = Object.freeze([
  exit(0, null, "done"),
  exit(1, null, "failed"),
  exit(2, null, "wrong command line"),
  exit(78, null, "wrong configuration"),
  exit(3, ["serve"], "with --status: not running"),
  exit(4, ["serve"], "with --status: not ready"),
  exit(5, ["serve"], "with --status: restarting"),
  exit(6, ["serve"], "with --status: given up"),
  exit(7, ["serve"], "with --status: without its supervisor"),
  exit(3, ["status", "mcp status"], "no server runs"),
  exit(4, ["status", "mcp status"], "it runs and is not ready, or the server that was named is not"),
  exit(1, ["run"], "whatever else goes wrong, the command line included"),
  exit(2, ["run"], "the tool itself failed"),
  exit(1, ["wait"], "they are not ready in time, or somebody has to help them"),
  exit(1, ["mcp add", "mcp update", "mcp enable", "mcp restart"], "it does not come up, or not in time"),
  exit(3, ["mcp add", "mcp update", "mcp enable", "mcp restart"], "done, and the server wants a login"),
  exit(4, aboutServer.filter((name) => name !== "mcp add"), "there is no server of that name"),
  exit(1, ["mcp pins"], "something is not as it was trusted"),
  exit(4, ["mcp pins", "mcp trust"], "nothing is known of a server of that name"),
  exit(1, ["mcp remove", "app consolidate", "app restore", "auth pin"], "a question was answered with no, and that is left as it was"),
  exit(1, ["preset test"], "nothing is selected"),
  exit(1, ["config diff"], "something has changed"),
  exit(1, ["app discover"], "an application's file cannot be used, or our configuration"),
  exit(1, ["app backups"], "one of them is not what was kept"),
  exit(1, ["audit verify"], "a line was changed, added or taken away"),
  exit(1, ["approve"], "with --wait: nobody asked"),
  exit(1, ["doctor"], "something does not work; a warning alone does not count"),
  exit(1, ["version"], "with --verify: it is not what was released"),
]);

/** What a command's exit codes mean beyond those that all have. */
export const exitsOf = (name: string): readonly Exit[] => exits.filter(({ commands }) => commands?.includes(name) === true);

/** What they mean where nothing else is said. */
export const generalExits: readonly Exit[] = Object.freeze(exits.filter(({ commands }) => commands === null));
