import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { parseConfig } from "../../src/config/load.ts";
import { unknownIn } from "../../src/config/presets.ts";
import { parseFilter } from "../../src/config/filter.ts";
import type { Loaded } from "../../src/config/types.ts";

const load = (text: string): Loaded => parseConfig({ text, path: "/c/mcp.json", variables: new Map(), hash: "" });

test("presets come in the order of the file, in canonical form", () => {
  const loaded = load('{ "mcpServers": { "s": { "command": "x", "tags": ["Web", "b", "C"] } }, "presets": { "z": { "filter": "web,B" }, "a-1": { "filter": "-c", "description": "no c" } } }');
  if (!loaded.ok) throw new Error("refused");
  expect([...loaded.config.presets.values()].map(({ name, filter, description }) => [name, filter, description])).toEqual([
    ["z", "web || b", null],
    ["a-1", "!c", "no c"],
  ]);
  expect(loaded.warnings).toEqual([]);
});

test("an expression that cannot be read refuses the file, at its line and at the column inside the string", () => {
  const loaded = load('{\n  "presets": {\n    "a": { "filter": "web && (b" },\n    "b": { "filter": "\\"x\\" & y" },\n    "c": { "filter": "preset:a" }\n  }\n}');
  expect(loaded.ok === false && loaded.issues.map(({ line, column, message }) => [line, column, message])).toEqual([
    [3, 30, "“filter” cannot be read at character 8: this parenthesis is not closed"],
    [4, 29, "“filter” cannot be read at character 5: AND is written “&&”, “+” or “and”"],
    [5, 23, "“filter” cannot be read at character 1: a preset cannot name another one"],
  ]);
});

test("what is no preset is refused as everything is", () => {
  const loaded = load('{ "presets": {\n "a b": { "filter": "x" },\n "c": "x",\n "d": { "fliter": "x" } } }');
  expect(loaded.ok === false && loaded.issues.map(({ line, message, hint }) => [line, message, hint])).toEqual([
    [2, "“a b” is not the name of a preset: letters, digits, “_”, “.” and “-” only", null],
    [3, "“c” must be an object, not this string", null],
    [4, "“filter” is missing in presets.d", null],
    [4, "“fliter” is not a known key", "did you mean “filter”?"],
  ]);
});

test("there can be so many presets, and no more", () => {
  const many = (count: number, limits: object = {}): Loaded => load(JSON.stringify({ limits, presets: Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, { filter: "cap:tools" }])) }));
  const { presetsMax } = defaultLimits;
  expect([many(presetsMax).ok, many(presetsMax + 1, { presetsMax: presetsMax + 1 }).ok]).toEqual([true, true]);
  const refused = [many(presetsMax + 1), many(3, { presetsMax: 2 })].map((loaded) => loaded.ok === false && loaded.issues[0]?.message);
  expect(refused).toEqual([`“presets” has ${presetsMax + 1} presets; limits.presetsMax is ${presetsMax}`, "“presets” has 3 presets; limits.presetsMax is 2"]);
});

test("a tag and a server that there are not is a warning with the nearest one, and the preset is used", () => {
  const loaded = load('{ "mcpServers": { "github": { "command": "x", "tags": ["Web"] } },\n "presets": { "a": { "filter": "wbe || !(server:githb && cap:tools)" } } }');
  if (!loaded.ok) throw new Error("refused");
  expect(loaded.warnings.map(({ line, message }) => [line, message])).toEqual([
    [2, "“filter” selects less than it says: no server has the tag “wbe”; did you mean “web”?"],
    [2, "“filter” selects less than it says: there is no server “githb”; did you mean “github”?"],
  ]);
  const parsed = parseFilter("zzzzzz zzzzzz");
  expect(parsed.ok && unknownIn(parsed.query, [])).toEqual(["no server has the tag “zzzzzz”"]);
});
