/**
 * `mcp tokens`: what the definitions of each server cost a model before it has done anything, and what searching the
 * catalog would save. Counted with the tokenizer of one family of models; others count somewhat otherwise.
 */
import { fault, nearestOf } from "../base/index.ts";
import { type Costs, costsOf, type Definitions } from "../catalog/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { askRunning } from "./operator.ts";
import { aboutServer } from "./serverNames.ts";
import { tableText } from "./table.ts";

/** The encoding of the models that the figures are about. */
const encoding = "o200k_base";

/** Gives 0, or 4 where there is no such server. Throws SERVER_AWAY where no server runs. */
export const tokens: Run = aboutServer(async (occasion) => {
  const { operand, settings, stdout } = occasion;
  const definitions = await askRunning<Definitions>(occasion, "GET", "/definitions", { hint: "1mcp serve starts it; what its servers define is known only then" });
  const costs = costsOf(definitions, await loadTokenizer());
  const server = operand === null ? null : serverOf(costs, operand);
  if (settings.json) stdout.write(`${JSON.stringify(jsonOf(costs, server), null, 2)}\n`);
  else stdout.write(server === null ? await allText(costs, occasion) : await tableText([["TOOL", "TOKENS"], ...server.each.map(({ name, tokens: count }) => [name, String(count)])], stdout));
  return 0;
});

/** Loaded here and nowhere else: its table has some two million characters. */
async function loadTokenizer(): Promise<(text: string) => number> {
  const [{ Tiktoken }, { default: ranks }] = await Promise.all([import("js-tiktoken/lite"), import("js-tiktoken/ranks/o200k_base")]);
  const tokenizer = new Tiktoken(ranks);
  // What looks like a mark of the model's own is text like any other.
  return (text) => tokenizer.encode(text, [], []).length;
}

type ServerCosts = Costs["servers"][number];

function serverOf({ servers }: Costs, name: string): ServerCosts {
  const found = servers.find((server) => server.name === name);
  if (found !== undefined) return found;
  const names = servers.map((server) => server.name);
  const near = nearestOf(name, names);
  throw fault("NAME_UNKNOWN", { detail: `server “${name}”`, hint: near === null ? `there are: ${names.join(", ") || "none"}` : `did you mean ${near}?` });
}

/** Of all servers without their tools one by one; of one server with them. */
function jsonOf({ catalog, servers, modes }: Costs, server: ServerCosts | null): object {
  if (server !== null) return { encoding, ...server };
  return { encoding, catalog, servers: servers.map(({ name, tools, toolTokens, instructionTokens }) => ({ name, tools, toolTokens, instructionTokens })), modes };
}

async function allText({ catalog, servers, modes: { full, search } }: Costs, { stdout }: Occasion): Promise<string> {
  const rows = servers.map(({ name, tools, toolTokens, instructionTokens }) => [name, String(tools), String(toolTokens), String(instructionTokens)]);
  const table = await tableText([["SERVER", "TOOLS", "TOKENS", "INSTRUCTIONS"], ...rows], stdout);
  const now = (mode: Costs["catalog"]): string => (catalog === mode ? " (now)" : "");
  const saving = search.saved > 0 ? `${search.saved} fewer, ${search.savedPercent} %` : "no fewer: there is little to be listed";
  return `${table}\ncatalog full:   ${full.tokens} tokens${now("full")}\ncatalog search: ${search.tokens} tokens, ${saving}${now("search")}\n`;
}
