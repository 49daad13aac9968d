/**
 * One request for a grant as a person at a terminal is shown it, and what he types about it. It shows what the page shows;
 * what the client says of itself is shown as what it is: a claim, unless a domain vouches for it.
 */
import { escapeControls } from "../base/index.ts";
import type { Decision, ShownRequest } from "../compose/index.ts";
import { spanText } from "./print.ts";

export interface InterviewOptions {
  write(text: string): void;
  /** The next line that he types; null: there is no more. */
  next(): Promise<string | null>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Shows the request and asks until it is understood; null: nothing is decided. */
export async function interview(request: ShownRequest, { write, next, now }: InterviewOptions): Promise<Decision | null> {
  write(requestText(request, now));
  for (;;) {
    write(questionOf(request));
    const answer = parseAnswer((await next()) ?? "", request);
    if (answer === "later") return null;
    if (answer === "deny") return { approve: false };
    if (answer !== "again") return { approve: true, scopes: answer };
  }
}

const questionOf = (request: ShownRequest): string => {
  const marked = markedOf(request).length === 0 ? "" : "y: what is marked, ";
  return `Is this the code on the page, and shall it get this? ${marked}1,2: these, all: everything, n: nothing, Enter: later > `;
};

/** What a person has typed: the scopes, or what else; "again" where it cannot be understood. */
export function parseAnswer(text: string, request: ShownRequest): readonly string[] | "deny" | "later" | "again" {
  const word = text.trim().toLowerCase();
  if (word === "") return "later";
  if (/^(n|no|none|deny)$/.test(word)) return "deny";
  if (word === "all") return scopesOf(request);
  if (/^y(es)?$/.test(word)) return markedOf(request).length === 0 ? "again" : markedOf(request);
  return /^\d{1,4}([\s,]+\d{1,4})*$/.test(word) ? numbered(word.split(/[\s,]+/).map(Number), scopesOf(request)) : "again";
}

const numbered = (numbers: readonly number[], scopes: readonly string[]): readonly string[] | "again" =>
  numbers.every((number) => number >= 1 && number <= scopes.length) ? [...new Set(numbers)].map((number) => scopes[number - 1] ?? "") : "again";

// ---- How a request looks ----------------------------------------------------------------------------------------

/** Everything that it may get, and what of it was asked for. */
export const scopesOf = ({ scopes }: ShownRequest): string[] => scopes.map(({ scope }) => scope);
export const markedOf = ({ scopes }: ShownRequest): string[] => scopes.filter(({ asked }) => asked).map(({ scope }) => scope);

/** Who vouches for its client, and where the answer goes, in words. */
export const verified = ({ client }: ShownRequest): string => client.domain ?? "not verified";
export const answerTo = ({ redirectHost, isLoopback }: ShownRequest): string => (redirectHost === null ? "the device that shows the code" : `${redirectHost}${isLoopback ? " (this computer)" : ""}`);

/** The same that the page shows. */
function requestText(request: ShownRequest, now: number): string {
  const { code, client, isLoopback, resource, lifeMs, refresh, expiresAt } = request;
  const lines = [
    "",
    `${code}  “${client.name}”, ${client.domain === null ? "not verified" : `vouched for by ${client.domain}`}`,
    ...(client.id === client.name ? [] : [`  known as:        ${client.id}`]),
    `  answer goes to:  ${answerTo(request)}`,
    ...(isLoopback ? ["  careful:         any program on this computer could be listening there; go on only if you have just started this login"] : []),
    `  for:             ${resource}`,
    `  lasts:           at most ${spanText(lifeMs)}${refresh ? ", renewed by the program itself" : ""}`,
    `  waits for:       ${spanText(expiresAt - now)} more`,
    "  may be granted:",
    ...scopeLines(request),
  ];
  return `${lines.map(escapeControls).join("\n")}\n`;
}

function scopeLines({ scopes }: ShownRequest): string[] {
  if (scopes.length === 0) return ["    nothing: no server is configured"];
  const left = Math.max(...scopes.map(({ scope }) => scope.length));
  return scopes.map(({ scope, servers, asked }, index) => {
    const behind = servers.map(({ name, tools }) => `${name} (${tools.length} ${tools.length === 1 ? "tool" : "tools"})`).join(", ");
    return `   ${String(index + 1).padStart(3)} [${asked ? "x" : " "}] ${scope.padEnd(left)}  ${behind}`.trimEnd();
  });
}
