/** Servers as the configuration file names them, for commands that are given one. */
import { Fault, fault, nearestOf } from "../base/index.ts";
import { type Members, membersOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { faultText } from "./print.ts";

/** The exit code of the commands about one server where there is none of that name. */
const nobodyThere = 4;

/** The name that was given. Throws USAGE with a hint where names come from. */
export function serverName({ operand }: Pick<Occasion, "operand">, hint = "`1mcp mcp list` has those there are"): string {
  if (operand === null) throw fault("USAGE", { detail: "it needs the name of a server", hint });
  return operand;
}

/** The entry of a server in the file; null where there is none. */
export function entryIn(file: Members, name: string): Members | null {
  const servers = membersOf(file["mcpServers"]);
  return Object.hasOwn(servers, name) ? membersOf(servers[name]) : null;
}

/** The same. Throws NAME_UNKNOWN with the nearest name. */
export function entryOf(file: Members, name: string): Members {
  const entry = entryIn(file, name);
  if (entry !== null) return entry;
  const near = nearestOf(name, Object.keys(membersOf(file["mcpServers"])));
  throw fault("NAME_UNKNOWN", { detail: `there is no server “${name}” in the configuration`, hint: near === null ? "`1mcp mcp list` has those there are" : `did you mean “${near}”?` });
}

/** Runs a command about one server; that there is none of that name has an exit code of its own. */
export const aboutServer =
  (run: Run): Run =>
  async (occasion) => {
    try {
      return await run(occasion);
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== "NAME_UNKNOWN") throw thrown;
      occasion.stderr.write(faultText(thrown));
      return nobodyThere;
    }
  };
