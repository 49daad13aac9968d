import { expect, test } from "bun:test";
import fc from "fast-check";
import { viewOf } from "../../src/catalog/index.ts";
import { selectorOf } from "../../src/catalog/tagquery.ts";
import type { Presets } from "../../src/catalog/types.ts";
import { buildCatalog } from "../../src/catalog/merge.ts";
import { scopesFor } from "../../src/catalog/view.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { parseFilter, type TagQuery } from "../../src/config/index.ts";
import type { Principal } from "../../src/protocol/index.ts";
import { offerOf } from "../fixtures/offers.ts";

const queryOf = (text: string): TagQuery => {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.query;
};
const presets = (given: Record<string, string> = {}): Presets => new Map(Object.entries(given).map(([name, text]) => [name, { query: queryOf(text) }]));

const offers = [
  offerOf("web", { tools: ["t"], offer: { tags: ["Web", "prod"] } }),
  offerOf("db", { prompts: ["p"], offer: { tags: ["data"] } }),
  offerOf("files", { templates: ["f:///{x}"], offer: { tags: [] } }),
  { ...offerOf("away"), inventory: null },
];
const catalogWith = (given: Record<string, string> = {}) => buildCatalog(offers, { separator: "__", limits: defaultLimits, presets: presets(given) });
const selected = (filter: string, given: Record<string, string> = {}): string[] => {
  const catalog = catalogWith(given);
  return catalog.servers.filter(selectorOf(filter, catalog.presets)).map(({ name }) => name);
};

test("tags in any case, servers by their exact name, kinds by what is listed", () => {
  expect(selected("WEB")).toEqual(["web"]);
  expect(selected("web,data")).toEqual(["web", "db"]);
  expect(selected("!web")).toEqual(["db", "files", "away"]);
  expect(selected("server:db")).toEqual(["db"]);
  expect(selected("server:DB")).toEqual([]);
});

test("a server of which nothing is known yet is expected to have every kind", () => {
  expect(selected("cap:tools")).toEqual(["web", "away"]);
  expect(selected("cap:prompts")).toEqual(["db", "away"]);
  expect(selected("cap:resources")).toEqual(["files", "away"]);
});

test("a preset is what it stands for; one that is gone selects nobody, even where it is negated", () => {
  expect(selected("preset:p -prod", { p: "web,data" })).toEqual(["db"]);
  expect(selected("!preset:p", { p: "web,data" })).toEqual(["files", "away"]);
  for (const filter of ["preset:gone", "!preset:gone", "web || preset:gone", "!(web preset:gone)"]) expect(selected(filter)).toEqual([]);
});

test("what cannot be read selects nobody", () => expect(selected("a &&")).toEqual([]));

// ---- Against a model that knows neither parser nor printer

type Model = { readonly text: string; readonly holds: (server: Sketch) => boolean };
interface Sketch {
  readonly name: string;
  readonly tags: readonly string[];
  readonly tools: boolean;
}

const tags = ["a", "b", "c-d", "E"];
const names = ["s0", "s1", "s2", "s3"];
const { model: models } = fc.letrec<{ model: Model }>((tie) => ({
  model: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(...tags, ...tags.map((tag) => tag.toUpperCase())).map((tag): Model => ({ text: tag, holds: (server) => server.tags.some((one) => one.toLowerCase() === tag.toLowerCase()) })),
    fc.constantFrom(...names).map((name): Model => ({ text: `server:${name}`, holds: (server) => server.name === name })),
    fc.constant<Model>({ text: "cap:tools", holds: ({ tools }) => tools }),
    fc.tuple(fc.constantFrom("!", "-", "not "), tie("model")).map(([sign, inner]): Model => ({ text: `${sign}(${inner.text})`, holds: (server) => !inner.holds(server) })),
    fc.tuple(fc.constantFrom(",", " || ", " or "), tie("model"), tie("model")).map(([sign, one, two]): Model => ({ text: `(${one.text})${sign}(${two.text})`, holds: (server) => one.holds(server) || two.holds(server) })),
    fc.tuple(fc.constantFrom("+", " && ", " and ", " "), tie("model"), tie("model")).map(([sign, one, two]): Model => ({ text: `(${one.text})${sign}(${two.text})`, holds: (server) => one.holds(server) && two.holds(server) })),
  ),
}));
const sketches = fc.array(fc.record({ tags: fc.subarray(tags), tools: fc.boolean() }), { maxLength: names.length }).map((all) => all.map((one, n): Sketch => ({ name: names[n] ?? "", ...one })));

const catalogOfAll = (servers: readonly Sketch[]) => buildCatalog(servers.map(({ name, tags, tools }) => offerOf(name, { tools: tools ? ["t"] : [], offer: { tags } })), { separator: "__", limits: defaultLimits });

test("for any expression and servers the selected ones are those of a plain evaluation", () => {
  fc.assert(
    fc.property(models, sketches, (model, servers) => {
      const catalog = catalogOfAll(servers);
      const taken = catalog.servers.filter(selectorOf(model.text, catalog.presets)).map(({ name }) => name);
      expect(taken).toEqual(servers.filter(model.holds).map(({ name }) => name));
    }),
    { numRuns: 400 },
  );
});

// Threat: 12
test("for any grant and expression what is seen is what is granted and selected, and never more than is granted", () => {
  const grants = fc.option(fc.subarray([...names.map((name) => `server:${name}`), ...tags.map((tag) => `tag:${tag}`), "admin:read", "preset:x"]));
  fc.assert(
    fc.property(models, sketches, grants, fc.option(fc.constantFrom(...names)), (model, servers, scopes, alone) => {
      const catalog = catalogOfAll(servers);
      const principal: Principal = { id: "p", scopes };
      const parsed = parseFilter(model.text);
      if (!parsed.ok) return void expect(parsed.problem).toContain("limits.");
      const whole = viewOf(catalog, principal, { server: alone });
      const view = viewOf(catalog, principal, { server: alone, filter: model.text });
      const granted = servers.filter((server) => scopes === null || scopesFor(server).some((scope) => scopes.includes(scope)));
      expect(view.servers.map(({ name }) => name)).toEqual(granted.filter((server) => model.holds(server) && (alone === null || alone === server.name)).map(({ name }) => name));
      const known = new Set(whole.lists.tools.entries.map((entry) => entry.raw));
      for (const entry of view.lists.tools.entries) expect(known.has(entry.raw)).toBe(true);
      // Whoever sees less than all of it may not have a shared cache keep it for others.
      expect(view.lists.tools.fresh.scope).toBe("private");
    }),
    { numRuns: 400 },
  );
});
