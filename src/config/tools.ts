/**
 * What the operator makes of one server's tools: which are there at all, what they are called, what is said of them. Here
 * is the shape of it, and where two names that it gives are one; which tools a server has is not known before it runs.
 */
import * as v from "valibot";
import type { Document } from "./document.ts";
import { keyIssue, valueIssue } from "./issues.ts";
import type { Issue } from "./types.ts";

const pattern = v.pipe(v.string(), v.minLength(1, "must not be empty"), v.maxLength(128, "is longer than 128 characters"));
const patterns = (description: string) => v.pipe(v.array(pattern), v.description(`${description} * stands for any characters, ? for one.`));

/** `tools` of a server's entry. */
export const toolsEntry = v.pipe(
  v.strictObject({
    allow: v.optional(patterns("Only these tools are listed and callable, by the names that the server gives them. Default: all.")),
    deny: v.optional(patterns("These are not, even if they are allowed. Default: none.")),
    rename: v.optional(
      v.pipe(
        v.record(pattern, v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,128}$/, "is not a tool's name: 1 to 128 letters, digits, “_”, “.” and “-”"))),
        v.description("Other names, by the server's own; in lists of all servers the prefix comes before them. Default: none."),
      ),
    ),
    descriptions: v.optional(v.pipe(v.record(pattern, v.string()), v.description("What models read of a tool instead of what the server says, by the server's own name of it; empty for nothing. Default: the server's."))),
  }),
  v.description("What is shown of the server's tools, and how."),
);

/** The same, with every default in place. */
export interface ToolRules {
  /** Null: all. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
  /** The server's own name → what clients know it by. */
  readonly rename: ReadonlyMap<string, string>;
  /** The server's own name → what is said of it. */
  readonly descriptions: ReadonlyMap<string, string>;
}

/** The rules of an entry; null where it has none. */
export function toolRulesOf(written: v.InferOutput<typeof toolsEntry> | undefined): ToolRules | null {
  if (written === undefined) return null;
  const { allow, deny = [], rename = {}, descriptions = {} } = written;
  return Object.freeze({ allow: allow === undefined ? null : Object.freeze([...allow]), deny: Object.freeze([...deny]), rename: new Map(Object.entries(rename)), descriptions: new Map(Object.entries(descriptions)) });
}

/** A name that is given to a tool. */
interface Given {
  readonly server: string;
  readonly local: string;
  /** What clients of all servers know it by. */
  readonly shown: string;
}

/**
 * Each given name that another tool has been given before: in one server, or in two whose names have the same beginning
 * or none. Looks at the document itself, so that these issues come together with those of the shape.
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
  const separator = objectIn(objectIn(value)["names"])["separator"] ?? "__";
  return Object.entries(objectIn(objectIn(value)["mcpServers"])).flatMap(([server, entry]) => {
    const { prefix = server, disabled, tools } = objectIn(entry);
    if (disabled === true) return [];
    const before = prefix === "" ? "" : `${String(prefix)}${String(separator)}`;
    return Object.entries(objectIn(objectIn(tools)["rename"])).map(([local, name]) => ({ server, local, shown: `${before}${String(name)}` }));
  });
}

const objectIn = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {});
