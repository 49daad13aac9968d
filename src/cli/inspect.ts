/** `inspect`: the servers of the running proxy; the tools of one, page by page; one tool, with an example of how to run it. */
import { fault } from "../base/index.ts";
import type { Asking, ServerFacts } from "../compose/index.ts";
import { toolNamed } from "./call.ts";
import { formatOf, shownAs, tameText } from "./format.ts";
import { parametersOf, targetOf } from "./invocation.ts";
import type { Occasion, Run } from "./occasion.ts";
import { reachedBy, serverNamed, type ToolDefinition, toolsOf } from "./shellServers.ts";
import { tableText } from "./table.ts";

const limitDefault = 20;

/** Shows what was asked for. Throws NAME_UNKNOWN, USAGE, SERVER_AWAY. */
export const inspect: Run = async (occasion) => {
  const { operand, stdout } = occasion;
  await using reached = await reachedBy(occasion);
  const servers = await reached.servers();
  const format = await formatOf(occasion);
  if (operand === null) {
    const shown = await surveyOf(servers, (names) => reached.ask(names));
    const text = await tableText([["SERVER", "TYPE", "STATUS", "TOOLS", "INSTRUCTIONS"], ...shown.map(rowOf)], stdout);
    stdout.write(shownAs(format, { kind: "servers", servers: shown.map((one) => ({ ...one, instructions: undefined })) }, () => text));
    return 0;
  }
  const target = targetOf(operand);
  const server = serverNamed(servers, target.server);
  const tools = await toolsOf(await reached.ask([server.name]), server.name);
  if (target.tool === null) await showServer(occasion, server, tools);
  else await showTool(occasion, server.name, toolNamed(tools, server.name, target.tool));
  return 0;
};

/** One server as agents are told of it. */
export interface Surveyed {
  readonly server: string;
  readonly type: ServerFacts["type"];
  readonly status: ServerFacts["state"];
  readonly available: boolean;
  readonly loadTracked: boolean;
  readonly toolCount: number | null;
  readonly hasInstructions: boolean;
  readonly instructions: string | null;
}

/** What each server has, as far as it can be asked; the others are there with their state. */
export async function surveyOf(servers: readonly ServerFacts[], ask: (names: readonly string[]) => Promise<Asking>): Promise<readonly Surveyed[]> {
  const known = servers.filter(({ lists, state }) => lists !== null && state !== "disabled").map(({ name }) => name);
  const asking = await ask(known);
  const found = await Promise.all(servers.map(async (server): Promise<Surveyed | null> => {
    const { name, type, state, healthy } = server;
    const base = { server: name, type, status: state, available: healthy, loadTracked: true };
    if (!known.includes(name)) return { ...base, toolCount: null, hasInstructions: false, instructions: null };
    const [tools, description] = await Promise.all([toolsOf(asking, name), asking.describe(name)]).catch(() => [null, null] as const);
    // What the selection leaves out is not there for whoever asks.
    if (tools === null) return null;
    return { ...base, toolCount: tools.length, hasInstructions: (description.instructions ?? "") !== "", instructions: description.instructions };
  }));
  return found.filter((one) => one !== null);
}

const rowOf = ({ server, type, status, toolCount, hasInstructions }: Surveyed): string[] => [server, type, status, toolCount === null ? "-" : String(toolCount), hasInstructions ? "yes" : "no"];

async function showServer(occasion: Occasion, { name, type, state, healthy }: ServerFacts, tools: readonly ToolDefinition[]): Promise<void> {
  const { given, stdout, settings } = occasion;
  const start = given.has("cursor") ? startOf(given.get("cursor") ?? "", tools) : 0;
  const end = settings.all ? tools.length : start + Number(given.get("limit") ?? limitDefault);
  const page = tools.slice(start, end);
  const next = end < tools.length ? cursorOf(page) : null;
  const listed = page.map(({ name: tool, description = "", inputSchema }) => ({ tool, requiredArgs: parametersOf(inputSchema).required.length, optionalArgs: optionalOf(inputSchema).length, description: firstLine(description) }));
  const table = await tableText([["TOOL", "DESCRIPTION"], ...listed.map(({ tool, description }) => [tool, description])], stdout);
  const more = next === null ? "" : tameText(`${tools.length - end} more: --cursor ${next}, or --all\n`);
  stdout.write(shownAs(await formatOf(occasion), { kind: "server", server: name, type, status: state, available: healthy, totalTools: tools.length, hasMore: next !== null, ...(next === null ? {} : { nextCursor: next }), tools: listed }, () => `${table}${more}`));
}

// A page goes on behind a name, so that it holds while the list changes.
const cursorOf = (page: readonly ToolDefinition[]): string => Buffer.from(page.at(-1)?.name ?? "").toString("base64url");

function startOf(cursor: string, tools: readonly ToolDefinition[]): number {
  const name = Buffer.from(cursor, "base64url").toString();
  const at = tools.findIndex((tool) => tool.name === name);
  if (at < 0) throw fault("CURSOR_INVALID");
  return at + 1;
}

const firstLine = (text: string): string => text.trim().split("\n", 1)[0] ?? "";

function optionalOf(schema: unknown): readonly string[] {
  const { properties, required } = parametersOf(schema);
  return Object.keys(properties).filter((name) => !required.includes(name));
}

async function showTool(occasion: Occasion, server: string, tool: ToolDefinition): Promise<void> {
  const { name, description = "", inputSchema = {}, outputSchema = null } = tool;
  const requiredArgs = parametersOf(inputSchema).required;
  const optionalArgs = optionalOf(inputSchema);
  const example = `1mcp run ${server}/${name} --args '${JSON.stringify(exampleOf(inputSchema))}'`;
  const value = { kind: "tool", server, tool: name, qualifiedName: `${server}/${name}`, description, inputSchema, outputSchema, fromCache: false, requiredArgs, optionalArgs, examples: [example] };
  occasion.stdout.write(shownAs(await formatOf(occasion), value, () => toolText(value, example)));
}

function toolText({ qualifiedName, description, inputSchema, requiredArgs }: { readonly qualifiedName: string; readonly description: string; readonly inputSchema: unknown; readonly requiredArgs: readonly string[] }, example: string): string {
  const properties = Object.entries(parametersOf(inputSchema).properties as Record<string, { readonly type?: unknown; readonly description?: string }>);
  const rows = properties.map(([name, { type, description: about = "" }]) => `  ${name}${requiredArgs.includes(name) ? "" : "?"}: ${String(type ?? "any")}${about === "" ? "" : `  ${firstLine(about)}`}`);
  return `${tameText([qualifiedName, ...(description === "" ? [] : [description.trim()]), ...(rows.length === 0 ? ["  takes nothing"] : rows), `for example: ${example}`].join("\n"))}\n`;
}

const samples: Readonly<Record<string, unknown>> = Object.freeze({ string: "…", number: 0, integer: 0, boolean: true, array: [], object: {} });

/** Arguments in which each required one has a value of its type. */
function exampleOf(schema: unknown): Record<string, unknown> {
  const { properties, required } = parametersOf(schema);
  return Object.fromEntries(required.map((name) => [name, samples[String(properties[name]?.type)] ?? null]));
}
