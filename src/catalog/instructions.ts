/**
 * The instructions of many servers as one text. They are text of strangers in front of every model, hence the bound and
 * the heading that tells whose words they are, which no server can write itself; the operator can replace or silence
 * each (`instructionOverride`), and all of them together (`instructions`).
 */
import { filledInstructions } from "../config/index.ts";
import { visibleText } from "./clean.ts";
import { compareText } from "./order.ts";
import type { Server, View } from "./types.ts";

/**
 * The instructions of a view, or null for none. One server: its own, unchanged. All: a heading and the form of its names
 * for each server that has any, by name, each shortened to an equal share of `limits.instructionsCharsMax`; or the
 * operator's own text.
 */
export function instructionsOf(view: View): string | null {
  if (view.server !== null) return view.servers[0]?.instructions ?? null;
  if (view.instructions !== null) return view.instructions === "" ? null : view.instructions;
  const speaking = view.servers.filter((server) => server.instructions !== null).sort((a, b) => compareText(a.name, b.name));
  const share = Math.floor(view.limits.instructionsCharsMax / Math.max(1, speaking.length));
  const own = speaking.map((server) => sectionOf(server, view.separator, share)).join("\n\n");
  if (view.instructionTemplate !== null) return filledInstructions(view.instructionTemplate, factsOf(view, speaking, own)) || null;
  return own === "" ? null : own;
}

/** What a template may say. */
function factsOf({ servers, separator, filter }: View, speaking: readonly Server[], instructions: string) {
  const names = servers.map(({ name }) => name).toSorted(compareText);
  return {
    serverCount: names.length,
    instructionalServerCount: speaking.length,
    connectedServerCount: servers.filter(({ info }) => info !== null).length,
    hasServers: names.length > 0,
    hasInstructionalServers: speaking.length > 0,
    serverList: names.map((name) => `- ${name}`).join("\n"),
    serverNames: names.join(", "),
    pluralServers: names.length === 1 ? "server" : "servers",
    isAre: names.length === 1 ? "is" : "are",
    instructions,
    filterContext: filter ?? "",
    title: "1mcp",
    toolPattern: `{server}${separator}{name}`,
    servers: names.map((name) => ({ name, hasInstructions: speaking.some((server) => server.name === name) })),
  };
}

function sectionOf(server: Server, separator: string, charsMax: number): string {
  const names =
    server.prefix === ""
      ? "Its tools and prompts keep their own names here."
      : `Its tools and prompts are named ${server.prefix}${separator}<name> here.`;
  return `# ${server.name}\n\n${names}\n\n${shortened(lowered(visibleText((server.instructions ?? "").slice(0, charsMax + 1))), charsMax)}`;
}

/** Headings one level lower, so that a heading of the first level is a server's name and nothing else. */
const lowered = (text: string): string => text.split(lineEnd).map(loweredLine).join("");

// Whatever a reader may take for the end of a line ends one here; the ends are kept.
const lineEnd = /([\n\r\v\f\u0085\u2028\u2029])/;

// What cannot be seen counts as space. A line of "=" makes a heading of the line above.
function loweredLine(line: string): string {
  const start = line.search(/[^\s\p{Cf}]/u);
  if (line.charAt(start) === "#") return `${line.slice(0, start)}#${line.slice(start)}`;
  return line.charAt(start) === "=" && !/[^=\s\p{Cf}]/u.test(line) ? line.replaceAll("=", "-") : line;
}

// Never cuts a surrogate pair in two: half of one is not valid Unicode.
function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
