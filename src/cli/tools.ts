/** `mcp tools`: which tools of a server there are, which of them are shown, and the rules for that in its entry. */
import { escapeControls, fault, nearestOf } from "../base/index.ts";
import { matches } from "../catalog/index.ts";
import type { ToolFacts } from "../compose/index.ts";
import type { ConfigChange } from "../config/index.ts";
import { changeConfig } from "./change.ts";
import { membersOf } from "./configPath.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askOperator, askRunning } from "./operator.ts";
import { aboutServer, entryOf, serverName } from "./serverNames.ts";
import { tableText } from "./table.ts";

/** A line for each tool, shown or not, and why. Without a name: of every server. Throws SERVER_AWAY. Without such a server: 4. */
export const tools: Run = aboutServer(async (occasion) => {
  const { operand, settings, stdout, stderr } = occasion;
  const names = operand === null ? await serversOf(occasion) : [operand];
  const found = await Promise.all(names.map((name) => ask<{ readonly server: string; readonly tools: readonly ToolFacts[] | null }>(occasion, `/servers/${encodeURIComponent(name)}/tools`)));
  if (settings.json) stdout.write(`${JSON.stringify(operand === null ? found : found[0], null, 2)}\n`);
  else {
    stdout.write(await tableText([["SERVER", "TOOL", "SHOWN AS", "BECAUSE"], ...found.flatMap(({ server, tools: all }) => (all ?? []).map((tool) => [server, tool.name, tool.public ?? "-", tool.because]))], stdout));
    for (const { server, tools: all } of found) if (all === null) stderr.write(`${escapeControls(`nothing is known yet of what ${server} offers: \`1mcp mcp status ${server}\` says why`)}\n`);
  }
  return 0;
});

async function serversOf(occasion: Occasion): Promise<readonly string[]> {
  const { servers } = await ask<{ readonly servers: readonly { readonly name: string; readonly state: string }[] }>(occasion, "/status");
  return servers.filter(({ state }) => state !== "disabled").map(({ name }) => name);
}

const ask = <T>(occasion: Occasion, path: string): Promise<T> => askRunning<T>(occasion, "GET", path, { hint: "only a running server knows its tools: `1mcp serve`" });

/** Rules of an entry that are about tools, as they are in the file. */
interface Rules {
  readonly disabledTools: readonly string[];
  /** null: there is no such list, and so all are allowed. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

type Change = (rules: Rules, names: readonly string[]) => readonly Rule[];

/** One change of one list. */
interface Rule {
  readonly list: "disabledTools" | "allow" | "deny";
  readonly item: "add" | "drop";
  readonly text: string;
}

const each = (names: readonly string[], list: Rule["list"], item: Rule["item"]): Rule[] => names.map((text) => ({ list, item, text }));

/** Takes names out of what hides them, and into what alone is shown. Throws USAGE where a pattern hides one: that may be meant for others too. */
const enabling: Change = ({ allow, deny }, names) => {
  const hidden = names.flatMap((name) => deny.filter((pattern) => !names.includes(pattern) && matches(pattern, name)).map((pattern) => `“${pattern}” hides “${name}”`));
  if (hidden.length > 0) throw fault("USAGE", { detail: hidden.join(", "), hint: "`1mcp mcp tools forget SERVER PATTERN` takes such a rule back" });
  const left = names.filter((name) => allow !== null && !allow.some((pattern) => matches(pattern, name)));
  return [...each(names, "disabledTools", "drop"), ...each(names, "deny", "drop"), ...each(left, "allow", "add")];
};

/** Changes the rules of the server, or says why not; of a name that no tool has it says so. Throws USAGE, CONFIG_INVALID. Without such a server: 4. */
const changing = (done: string, what: "names of tools" | "patterns of names" | "rules", change: Change): Run =>
  aboutServer(async (occasion) => {
    const name = serverName(occasion);
    if (occasion.rest.length === 0) throw fault("USAGE", { detail: `it needs the ${what}` });
    const code = await changeConfig(occasion, { done: escapeControls(`${name}: ${occasion.rest.join(", ")} ${done}`) }, (file) => ruleChanges(name, entryOf(file, name), change, occasion.rest));
    if (what === "names of tools") occasion.stderr.write(await unknownText(occasion, name));
    return code;
  });

/** Names may come before the tools that have them; but who mistypes one must not think that a tool is off. */
async function unknownText(occasion: Occasion, server: string): Promise<string> {
  const asked = await askOperator<{ readonly tools: readonly ToolFacts[] | null }>(occasion, "GET", `/servers/${encodeURIComponent(server)}/tools`);
  const known = asked.kind === "answer" ? (asked.value.tools?.map(({ name }) => name) ?? null) : null;
  if (known === null) return "";
  const notes = occasion.rest.filter((name) => !known.includes(name)).map((name) => `note: ${server} has no tool “${name}”${meantText(nearestOf(name, known))}; \`1mcp mcp tools ${server}\` lists them`);
  return notes.map((note) => `${escapeControls(note)}\n`).join("");
}

const meantText = (near: string | null): string => (near === null ? "" : ` (did you mean “${near}”?)`);

export const enableTools: Run = changing("shown again", "names of tools", enabling);
export const disableTools: Run = changing("neither shown nor callable", "names of tools", (_, names) => each(names, "disabledTools", "add"));
export const allowTools: Run = changing("allowed, and nothing that is not", "patterns of names", (_, names) => each(names, "allow", "add"));
export const denyTools: Run = changing("denied", "patterns of names", (_, names) => each(names, "deny", "add"));
export const forgetTools: Run = changing("without a rule", "rules", (_, names) => (["disabledTools", "allow", "deny"] as const).flatMap((list) => each(names, list, "drop")));

/** Item by item, so that what is said about others stays; a list that is left empty goes, since an empty `allow` would hide all. */
function ruleChanges(server: string, entry: Readonly<Record<string, unknown>>, change: Change, names: readonly string[]): readonly ConfigChange[] {
  const own = membersOf(entry["tools"]);
  const rules: Rules = { disabledTools: listIn(entry["disabledTools"]) ?? [], allow: listIn(own["allow"]), deny: listIn(own["deny"]) ?? [] };
  const wanted = change(rules, names);
  const dropped = (list: Rule["list"]): string[] => wanted.filter((rule) => rule.list === list && rule.item === "drop").map(({ text }) => text);
  const emptied = (["disabledTools", "allow", "deny"] as const).filter((list) => isEmptied(rules[list], dropped(list)));
  const items = wanted.filter(({ list }) => !emptied.includes(list)).map(({ list, item, text }) => ({ path: pathOf(server, list), value: text, item }));
  const left = Object.keys(own).filter((key) => !(emptied as readonly string[]).includes(key));
  const gone = left.length === 0 && Object.keys(own).length > 0 ? [["mcpServers", server, "tools"], ...emptied.filter((list) => list === "disabledTools").map((list) => pathOf(server, list))] : emptied.map((list) => pathOf(server, list));
  return [...gone.map((path) => ({ path, value: undefined })), ...items];
}

const isEmptied = (list: readonly string[] | null, dropped: readonly string[]): boolean => list !== null && list.length > 0 && list.every((text) => dropped.includes(text));

const pathOf = (server: string, list: Rule["list"]): readonly string[] => (list === "disabledTools" ? ["mcpServers", server, list] : ["mcpServers", server, "tools", list]);

const listIn = (value: unknown): readonly string[] | null => (Array.isArray(value) ? value.map(String) : null);
