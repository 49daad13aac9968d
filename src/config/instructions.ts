/** Instruction templates: what clients are told of all servers together, in the operator's words, with theirs in it. */
import type { Document } from "./document.ts";
import { valueIssue } from "./issues.ts";
import type { ConfigFile } from "./schema.ts";
import { type Context, type Names, parseTemplate, renderTemplate } from "./template.ts";
import type { Issue } from "./types.ts";

const plain: readonly string[] = Object.freeze(["serverCount", "instructionalServerCount", "connectedServerCount", "hasServers", "hasInstructionalServers", "serverList", "serverNames", "pluralServers", "isAre", "instructions", "filterContext", "title", "toolPattern", "servers"]);
/** Inside {{#each servers}}. */
const ofServer: readonly string[] = Object.freeze(["name", "hasInstructions"]);
const names: Names = Object.freeze({ isKnown: (path: string) => plain.includes(path) || ofServer.includes(path), some: plain.join(", ") });

/** The template in use, null for none; and what is wrong with any. */
export function instructionTemplateOf({ instructionTemplates = {}, activeInstructionTemplate: active }: Pick<ConfigFile, "instructionTemplates" | "activeInstructionTemplate">, document: Document): { readonly template: string | null; readonly issues: readonly Issue[] } {
  const issues = Object.entries(instructionTemplates).flatMap(([name, { initialization }]) => {
    const parsed = parseTemplate(initialization, names);
    return parsed.ok ? [] : [valueIssue(document, ["instructionTemplates", name, "initialization"], `cannot be read at character ${parsed.at + 1}: ${parsed.problem}`)];
  });
  const template = active !== undefined && Object.hasOwn(instructionTemplates, active) ? (instructionTemplates[active]?.initialization ?? null) : null;
  const missing = active !== undefined && template === null ? [valueIssue(document, ["activeInstructionTemplate"], `names no template: “${active}”`)] : [];
  return { template, issues: [...issues, ...missing] };
}

/** The text of a template that was checked. What servers say of themselves is put in as it is. */
export function filledInstructions(template: string, context: Context): string {
  const parsed = parseTemplate(template, names);
  return parsed.ok ? renderTemplate(parsed.parts, context, (text) => text).text : "";
}
