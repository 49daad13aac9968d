/**
 * What the operator makes of one server's tools: which are there at all, what they are called, what is said of them.
 * Which tools the server has is not known before it runs, so that all of this is only followed then.
 */
import * as v from "valibot";

const pattern = v.pipe(v.string(), v.minLength(1, "must not be empty"), v.maxLength(128, "is longer than 128 characters"));
const patterns = (description: string) => v.pipe(v.array(pattern), v.description(description));

/** `tools` of a server's entry. */
export const toolsEntry = v.pipe(
  v.strictObject({
    allow: v.optional(patterns("Only these tools are listed and callable, by the names that the server gives them; * stands for any characters, ? for one. Default: all.")),
    deny: v.optional(patterns("These, named in the same way, are not, even if they are allowed. Default: none.")),
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
