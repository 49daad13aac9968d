/**
 * Why somebody sees a tool, or does not: every rule on its way from the server to him, each with its own verdict. The
 * last word is the view's own, so an explanation can never say other than what happens.
 */
import { nearestOf } from "../base/index.ts";
import { parseFilter, printFilter } from "../config/index.ts";
import { publicName } from "../protocol/index.ts";
import { callName, searchName } from "./pair.ts";
import { pinKey } from "./pins.ts";
import { partsOf, selectorOf } from "./tagquery.ts";
import type { Catalog, Item, Offer, Server, View } from "./types.ts";
import { scopesFor, viewOf } from "./view.ts";

/** What is asked: about which tool, for whom. */
export interface AskedTool {
  /** Its public name, its own name, or server/tool. */
  readonly name: string;
  /** null: everything is granted. */
  readonly scopes: readonly string[] | null;
  /** The expression that narrows the view; null for none. */
  readonly filter: string | null;
}

/** One rule and what it says of the tool. */
export interface ExplainedStep {
  readonly rule: "server" | "definition" | "tools" | "grant" | "selection" | "name";
  readonly shows: boolean;
  readonly because: string;
}

/** One tool that can be meant. */
export interface Explained {
  readonly server: string;
  /** The server's own name of it. */
  readonly tool: string;
  /** The name under which it is seen; null: it is not. */
  readonly public: string | null;
  /** In the order in which they apply; those behind one that hides are told too. */
  readonly steps: readonly ExplainedStep[];
}

/** What is known of the servers. */
export interface Known {
  readonly catalog: Catalog;
  readonly offers: readonly Offer[];
  /** All that are configured, the ones that are switched off included. */
  readonly servers: readonly { readonly name: string; readonly prefix: string; readonly state: string }[];
}

/** Every tool that can be meant, and why it is seen or not; none where no server can be meant. */
export function explainTool(known: Known, asked: AskedTool): readonly Explained[] {
  const { scopes, filter } = asked;
  const view = viewOf(known.catalog, { id: "", scopes }, filter === null ? { server: null } : { server: null, filter });
  const found = known.offers.flatMap((offer) => (offer.inventory?.lists.tools ?? []).filter(({ id }) => isMeant(known, offer, id, asked.name)).map((item) => explained(known, view, offer, item, asked)));
  return found.length > 0 ? found : known.servers.flatMap((server) => absent(known, server, asked.name));
}

function isMeant({ catalog }: Known, { name: server, prefix }: Offer, id: string, name: string): boolean {
  if (name === id || name === `${server}/${id}` || name === publicName(prefix, catalog.separator, id)) return true;
  return serverOf(catalog, server)?.merged.tools.some((entry) => entry.route.local === id && entry.public === name) === true;
}

const serverOf = ({ servers }: Catalog, name: string): Server | undefined => servers.find((server) => server.name === name);

/** A name that begins like a tool of this server, which lists no such tool. */
function absent({ catalog, offers }: Known, { name: server, prefix, state }: Known["servers"][number], name: string): Explained[] {
  const start = [`${server}/`, ...(prefix === "" ? [] : [`${prefix}${catalog.separator}`])].find((one) => name.startsWith(one));
  if (start === undefined) return [];
  const tool = name.slice(start.length);
  const on = offers.find((offer) => offer.name === server);
  const steps: ExplainedStep[] = [step("server", on !== undefined, on === undefined ? `server “${server}” is switched off` : `server “${server}” is ${state}`)];
  if (on !== undefined) steps.push(step("definition", false, on.inventory === null ? "nothing is known yet of what it offers" : `it lists no tool “${tool}”${nearTool(on, tool)}`));
  return [{ server, tool, public: null, steps }];
}

function nearTool({ inventory }: Offer, tool: string): string {
  const near = nearestOf(tool, (inventory?.lists.tools ?? []).map(({ id }) => id));
  return near === null ? "" : `; did you mean “${near}”?`;
}

const step = (rule: ExplainedStep["rule"], shows: boolean, because: string): ExplainedStep => Object.freeze({ rule, shows, because });

function explained(known: Known, view: View, offer: Offer, { id }: Item, asked: AskedTool): Explained {
  const { catalog } = known;
  const server = serverOf(catalog, offer.name) as Server;
  const state = known.servers.find(({ name }) => name === offer.name)?.state ?? "known";
  const seen = seenName(view, server, id);
  const steps = [
    step("server", true, `server “${offer.name}” is ${state}`),
    step("definition", true, `it lists the tool “${id}”`),
    toolStep(catalog, offer, server, id),
    grantStep(server, asked.scopes),
    ...(asked.filter === null ? [] : [selectionStep(catalog, server, asked.filter)]),
  ];
  if (seen !== null) steps.push(step("name", true, seenText(catalog, seen)));
  else if (steps.every(({ shows }) => shows)) steps.push(step("name", false, nameTaken));
  return { server: offer.name, tool: id, public: seen, steps };
}

/** Who looks for it in a client's list is told where it is instead. */
const seenText = ({ searched }: Catalog, name: string): string =>
  searched ? `it is in no list of tools, since “catalog” is “search”: ${searchName} finds it as “${name}”, and ${callName} calls it` : `it is seen as “${name}”`;

/** What hides a tool that no other rule hides. */
export const nameTaken = "another server that is seen has its public name";

/** The name under which a view has a tool, be it in its list or found by searching; null: it has not. */
export function seenName({ lists }: View, { merged }: Server, id: string): string | null {
  const entry = merged.tools.find(({ route }) => route.local === id);
  return entry !== undefined && lists.tools.routes.get(entry.public) === entry.route ? entry.public : null;
}

/** What the rules of its server say of a tool. */
export function toolStep({ problems }: Catalog, { disabledTools, withheld }: Offer, { name, merged }: Server, id: string): ExplainedStep {
  if (disabledTools.includes(id)) return step("tools", false, `“disabledTools” of “${name}” names it`);
  if (withheld?.has(pinKey("tools", id)) === true) return step("tools", false, `it is not what was trusted, and “pin” of “${name}” is “block”: see \`1mcp mcp pins ${name}\``);
  if (merged.tools.some(({ route }) => route.local === id)) return step("tools", true, `no rule of “${name}” hides it`);
  const problem = problems.find((one) => one.backend === name && one.kind === "tools" && one.id === id);
  return step("tools", false, problem === undefined ? `the rules for tools of “${name}” leave it out` : `it is not shown: ${problem.reason}`);
}

function grantStep(server: Server, scopes: readonly string[] | null): ExplainedStep {
  if (scopes === null) return step("grant", true, "everything is granted");
  const scope = scopesFor(server).find((one) => scopes.includes(one));
  return scope === undefined ? step("grant", false, `none of its scopes (${scopes.join(" ") || "none"}) covers the server: that takes ${scopesFor(server).join(" or ")}`) : step("grant", true, `the scope ${scope} covers the server`);
}

function selectionStep({ presets }: Catalog, server: Server, filter: string): ExplainedStep {
  const shows = selectorOf(filter, presets)(server);
  const parsed = parseFilter(filter);
  const parts = parsed.ok ? partsOf(parsed.query, server, presets).map(({ text, isTrue }) => `${text} is ${isTrue ? "true" : "false"}`) : [];
  return step("selection", shows, `the selection ${parsed.ok ? printFilter(parsed.query) : filter} ${shows ? "takes" : "leaves out"} the server: ${[...new Set(parts)].join(", ")}`);
}

/** One server that a selection takes, and what of it there is to be seen. */
export interface SelectedServer {
  readonly name: string;
  readonly tags: readonly string[];
  readonly selected: boolean;
  readonly tools: number;
  readonly prompts: number;
  readonly resources: number;
}

/** All servers, and which of them an expression selects for somebody with every scope. */
export function selectedServers(catalog: Catalog, filter: string): readonly SelectedServer[] {
  const taken = viewOf(catalog, { id: "", scopes: null }, { server: null, filter }).servers;
  return catalog.servers.map((server) => ({
    name: server.name,
    tags: server.tags,
    selected: taken.includes(server),
    tools: server.merged.tools.length,
    prompts: server.merged.prompts.length,
    resources: server.merged.resources.length,
  }));
}
