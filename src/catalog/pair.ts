/**
 * The two tools that stand for all others where the catalog is searched: one finds tools by words, one calls what was
 * found. Their definitions never change, whatever servers come and go, so that the caches of models hold; and no tool of
 * a server can have their names.
 */
import type { Raw } from "../protocol/index.ts";
import type { Entry } from "./types.ts";

/** Who answers them: the proxy itself, whose name no server can have. */
export const proxyServer = "1mcp";
export const searchName = "1mcp__search";
export const callName = "1mcp__call";

const searchTool: Raw =
  '{"name":"1mcp__search","title":"Search tools",' +
  '"description":"Finds tools by words. The tools of several servers can be used here, and none of them is listed: search for what is to be done, then call what fits with 1mcp__call. Each match is one line of JSON: its name, its description and the JSON Schema of its arguments, the best one first.",' +
  '"inputSchema":{"type":"object","properties":{' +
  '"query":{"type":"string","description":"What is to be done, on what and where, in a few words, as “create issue github”; or the name of a tool."},' +
  '"limit":{"type":"integer","minimum":1,"maximum":20,"description":"How many matches to give. Default: 5."}' +
  '},"required":["query"]},"annotations":{"readOnlyHint":true,"openWorldHint":false}}';

const callTool: Raw =
  '{"name":"1mcp__call","title":"Call a tool",' +
  '"description":"Calls a tool that 1mcp__search has found, and gives what it gives.",' +
  '"inputSchema":{"type":"object","properties":{' +
  '"name":{"type":"string","description":"The name of the tool, as 1mcp__search gave it."},' +
  '"arguments":{"type":"object","description":"What the tool is called with, as its own schema wants it."}' +
  '},"required":["name"]}}';

/** Matches of one search where its caller does not say how many, and at most. */
export const matchesUsual = 5;
export const matchesMax = 20;

const entryOf = (name: string, raw: Raw): Entry => Object.freeze({ public: name, route: Object.freeze({ backend: proxyServer, local: name, tool: raw }), raw });

/** Both, in the order of their names. */
export const pairEntries: readonly Entry[] = Object.freeze([entryOf(callName, callTool), entryOf(searchName, searchTool)]);

/** Whether no tool of a server may be shown under this name among those of all servers. */
export const isPairName = (name: string): boolean => name === searchName || name === callName;
