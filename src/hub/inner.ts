/**
 * The pair of tools that stands for all others where the catalog is searched. A search is answered here, from what the
 * caller sees and nothing else; a call goes the way that a direct call of the inner tool goes, with everything that
 * belongs to it (questions, progress, cancellation, what was answered so far), so that nobody behind this can tell.
 */
import { defaultLimits } from "../base/index.ts";
import { callName, type Entry, isPairName, matchesMax, matchesUsual, searchName, type View } from "../catalog/index.ts";
import { type Call, editObject, emptyObject, memberOf, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, stringOf } from "../protocol/index.ts";
import { RelayedCall } from "./relayed.ts";
import type { Row, Scene, Unknown } from "./scene.ts";

/** The name of the tool that a call of a tool is for, whichever way it goes there. Where nothing is searched, a tool of the pair's name is a server's own, and what it is called with its own business. */
export function toolNameOf(params: RawObject, isSearched: boolean): string | null {
  const name = stringOf(params, "name");
  return isSearched && name === callName ? (stringOf(objectOf(params, "arguments") ?? emptyObject, "name") ?? name) : name;
}

/** A call of one of the pair; `direct` is what a call of any other tool is. */
export const ofPair = (scene: Scene, call: Call, name: string, direct: Row): ReturnType<Row> => (name === searchName ? search(scene, call) : callInner(scene, call, direct));

function callInner(scene: Scene, call: Call, direct: Row): ReturnType<Row> {
  const given = objectOf(call.params, "arguments") ?? emptyObject;
  const name = stringOf(given, "name");
  if (name === null || isPairName(name)) return refused(`“name” must be the name of a tool, as ${searchName} gives it`);
  const args = memberOf(given, "arguments");
  if (args !== null && !args.startsWith("{")) return refused("“arguments” must be an object, as the tool's own schema wants it");
  const params = parseObject(editObject(call.params, { name: quote(name), arguments: args }), scene.snapshot.limits);
  return params === null ? refused("“arguments” cannot be read") : direct(scene, new InnerCall(call, params));
}

/** The same call with the inner tool's name and arguments. */
class InnerCall extends RelayedCall {
  readonly #params: RawObject;

  constructor(call: Call, params: RawObject) {
    super(call);
    this.#params = params;
  }

  override get params(): RawObject {
    return this.#params;
  }
}

function search(scene: Scene, { params }: Call): Outcome | Unknown {
  const given = objectOf(params, "arguments") ?? emptyObject;
  const query = stringOf(given, "query");
  if (query === null) return refused("“query” must be a text: what is to be done");
  const limit = limitOf(given);
  if (limit === null) return refused(`“limit” must be a whole number from 1 to ${matchesMax}`);
  const { view, snapshot } = scene;
  const text = matchesText(view.finder?.find(query, limit) ?? [], view, snapshot.limits.searchCharsMax);
  const outcome = told(text, false);
  // Who is on his first way to readiness may have just what is looked for.
  return snapshot.starting.length === 0 ? outcome : { kind: "unknown", name: null, outcome };
}

/** How many matches are wanted; null for what is no such number. Models say null for what they leave out. */
function limitOf(given: RawObject): number | null {
  const asked = memberOf(given, "limit") ?? "null";
  const limit = asked === "null" ? matchesUsual : Number(asked);
  return Number.isInteger(limit) && limit >= 1 && limit <= matchesMax ? limit : null;
}

/** Each match as a line of JSON; past the bound without its schema. Then what could not be searched yet. */
function matchesText(matches: readonly Entry[], view: View, charsMax: number): string {
  let left = charsMax;
  const lines = matches.map(({ public: name, raw }) => {
    const tool = parseObject(raw, view.limits) ?? emptyObject;
    const whole = lineOf(name, tool, memberOf(tool, "inputSchema"));
    left -= whole.length;
    return left >= 0 ? whole : lineOf(name, tool, null);
  });
  return [...(lines.length === 0 ? [nothing(view)] : lines), ...absent(view)].join("\n");
}

function lineOf(name: string, tool: RawObject, schema: Raw | null): Raw {
  const description = memberOf(tool, "description");
  const rest = schema === null ? ',"inputSchema":"left out; search for this name alone"' : `,"inputSchema":${schema}`;
  return `{"name":${quote(name)}${description === null ? "" : `,"description":${description}`}${rest}}`;
}

const nothing = ({ servers }: View): string => `Nothing matches. There are tools of: ${servers.flatMap(({ name, merged }) => (merged.tools.length === 0 ? [] : [name])).join(", ") || "no server"}.`;

/** Servers that have not said yet what they have. */
function absent({ servers }: View): string[] {
  const names = servers.flatMap(({ name, info }) => (info === null ? [name] : []));
  return names.length === 0 ? [] : [`Not searched, since they are not there at the moment: ${names.join(", ")}.`];
}

/** What a model did wrong is told as the tool's own failure, so that it sees it and mends it (2025-11-25, server/tools: error handling). */
const refused = (why: string): Outcome => told(why, true);

function told(text: string, isError: boolean): Outcome {
  const result = `{"content":[{"type":"text","text":${quote(text)}}]${isError ? ',"isError":true' : ""}}`;
  return { kind: "done", result: parseObject(result, defaultLimits) ?? emptyObject };
}
