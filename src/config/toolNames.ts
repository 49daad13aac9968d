/**
 * Names that the configuration gives to tools, as they meet each other: two that are one for a client, and those of the
 * proxy's own tools. Looks at the document itself, so that these issues come together with those of the shape.
 */
import { type Document, objectIn } from "./document.ts";
import { keyIssue, valueIssue } from "./issues.ts";
import type { Issue } from "./types.ts";

/** A name that is given to a tool. */
interface Given {
  readonly server: string;
  readonly local: string;
  /** What clients of all servers know it by. */
  readonly shown: string;
}

/**
 * Each given name that another tool has been given before: in one server, or in two whose names have the same beginning
 * or none.
 */
export function toolNameIssues(document: Document): Issue[] {
  const firsts = new Map<string, Given>();
  return givenNames(document).flatMap((given) => {
    const first = firsts.get(given.shown);
    if (first === undefined) firsts.set(given.shown, given);
    if (first === undefined) return isReserved(given.shown) ? [valueIssue(document, pathOf(given), "is a name of the proxy's own tools")] : [];
    const other = first.server === given.server ? `“${first.local}”` : `“${first.local}” of “${first.server}”`;
    return [keyIssue(document, pathOf(given), `gets the name that ${other} gets`, "give each tool a name of its own")];
  });
}

const pathOf = ({ server, local }: Given) => ["mcpServers", server, "tools", "rename", local];

/** Names under which the proxy's own tools are known, whatever a server is called. */
const isReserved = (name: string): boolean => name.startsWith("1mcp__");

function givenNames({ value }: Document): Given[] {
  const { separator = "__" } = objectIn(objectIn(value)["names"]);
  return Object.entries(objectIn(objectIn(value)["mcpServers"])).flatMap(([server, entry]) => {
    const { prefix = server, disabled, tools } = objectIn(entry);
    // What is no text is told of where the shape is looked at.
    if (disabled === true || typeof prefix !== "string" || typeof separator !== "string") return [];
    const before = prefix === "" ? "" : `${prefix}${separator}`;
    return Object.entries(objectIn(objectIn(tools)["rename"])).flatMap(([local, name]) => (typeof name === "string" ? [{ server, local, shown: `${before}${name}` }] : []));
  });
}
