/** How things look: faults, issues, paragraphs. Plain text first; colour only adds to it. */
import { escapeControls, type Fault } from "../base/index.ts";
import { type Issue, pathText } from "../config/index.ts";

/** A fault as a person reads it: what, which server, what to do; for a bug also where. */
export function faultText(fault: Fault): string {
  const server = fault.backend === undefined ? [] : [`server: ${fault.backend}`];
  const cause = fault.code === "INTERNAL" && fault.cause !== undefined ? [stackOf(fault.cause)] : [];
  // A stack has lines of its own; everything else is one line each.
  return [...[`1mcp: ${fault.message}`, ...server, `hint: ${fault.hint}`].map(escapeControls), ...cause, ""].join("\n");
}

const stackOf = (cause: unknown): string => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));

/** An issue on one line, as editors and terminals understand it: `file:line:column: sentence (hint)`. */
export function issueText(file: string, issue: Issue): string {
  const place = issue.line === 0 ? file : `${file}:${issue.line}:${issue.column}`;
  const path = issue.path.length === 0 ? "" : ` [${pathText(issue.path)}]`;
  const hint = issue.hint === null ? "" : ` (${issue.hint})`;
  return `${escapeControls(`${place}: ${issue.message}${hint}${path}`)}\n`;
}
