/**
 * The instructions of many servers as one text. They are text of strangers in front of every model, hence the bound and
 * the heading that tells whose words they are; the operator can replace or silence each (`instructionOverride`).
 */
import { compareText } from "./order.ts";
import type { Server, View } from "./types.ts";

/**
 * The instructions of a view, or null for none. One server: its own, unchanged. All: a heading and the form of its names
 * for each server that has any, by name, each shortened to an equal share of `limits.instructionsCharsMax`.
 */
export function instructionsOf(view: View): string | null {
  if (view.server !== null) return view.servers[0]?.instructions ?? null;
  const speaking = view.servers.filter((server) => server.instructions !== null).sort((a, b) => compareText(a.name, b.name));
  if (speaking.length === 0) return null;
  const share = Math.floor(view.limits.instructionsCharsMax / speaking.length);
  return speaking.map((server) => sectionOf(server, view.separator, share)).join("\n\n");
}

function sectionOf(server: Server, separator: string, charsMax: number): string {
  const names =
    server.prefix === ""
      ? "Its tools and prompts keep their own names here."
      : `Its tools and prompts are named ${server.prefix}${separator}<name> here.`;
  return `# ${server.name}\n\n${names}\n\n${shortened(server.instructions ?? "", charsMax)}`;
}

// Never cuts a surrogate pair in two: half of one is not valid Unicode.
function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
