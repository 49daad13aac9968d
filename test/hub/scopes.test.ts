/**
 * What a grant opens, through the whole hub: for whatever configuration, grant and selection, no method reaches a server
 * that the grant does not name, and nothing of such a server is told beyond the scope that it would take.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { serverScope, tagScope } from "../../src/catalog/index.ts";
import { accessOf, type Config } from "../../src/config/index.ts";
import type { Principal, Selection } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { configOf, specOf, tool } from "../fixtures/pool.ts";
import { stageOf, textOf } from "../fixtures/stage.ts";

const names = ["alpha", "beta", "gamma", "delta"] as const;
const tags = ["a", "b", "ä ö"] as const;
const uris = ["x://shared", "alpha://1", "beta://1", "y://none"];

const worlds = fc.record({
  servers: fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), tags: fc.subarray([...tags]), hidden: fc.boolean(), prefix: fc.constantFrom(null, "", "alpha") }), { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
  stepUp: fc.constantFrom("challenge" as const, "hide" as const),
  scopes: fc.subarray([...names.map(serverScope), ...tags.map(tagScope), "preset:dev", "admin:read", "admin:write", "offline_access", "*", "all", "server:", "tag:", "server:%61lpha", "SERVER:alpha"]),
  selection: fc.constantFrom<Selection[]>(...[null, ...names, "nobody"].map((server) => ({ server }))),
});

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

/** The servers that a grant names, by its scopes and nothing else. */
const granted = ({ servers, scopes }: World): string[] => servers.filter(({ name, tags: own }) => scopes.includes(serverScope(name)) || own.some((tag) => scopes.includes(tagScope(tag)))).map(({ name }) => name);

async function openWorld(world: World) {
  const config: Config = { ...configOf(...world.servers.map(({ name, ...more }) => specOf(name, more))), auth: { ...accessOf(undefined, "/"), stepUp: world.stepUp } };
  const { hub, pool } = await stageOf(config);
  for (const { name } of world.servers) {
    pool.backend(name).offer(
      { tools: [tool("t"), tool(`only-${name}`)], prompts: ['{"name":"p"}'], resources: ['{"uri":"x://shared","name":"r"}', `{"uri":"${name}://1","name":"r"}`], templates: ['{"uriTemplate":"z://{a}","name":"z"}'] },
      { tools: "{}", prompts: "{}", resources: '{"subscribe":true}', completions: "{}", [`ext/${name}`]: "{}" },
    );
  }
  return { hub, pool };
}

type Asked = readonly [method: string, params: object, more?: object];

/** Everything that can be asked about every server, there or not. */
const questions: readonly Asked[] = [
  ...["tools/list", "prompts/list", "resources/list", "resources/templates/list"].map((method): Asked => [method, {}]),
  ...[...names, "nobody"].flatMap((name): Asked[] => [
    ...[`${name}__t`, "t", `only-${name}`, `${name}__only-${name}`].map((target): Asked => ["tools/call", { name: target }]),
    ["prompts/get", { name: `${name}__p` }],
    ["completion/complete", { ref: { type: "ref/prompt", name: `${name}__p` }, argument: { name: "a", value: "" } }],
    ["tasks/get", { taskId: "1" }, { backend: name }],
    ["ext/method", {}, { client: { info: null, capabilities: `{"extensions":{"ext/${name}":{}}}` } }],
  ]),
  ...[...uris, "z://a"].flatMap((uri): Asked[] => [
    ["resources/read", { uri }],
    ["completion/complete", { ref: { type: "ref/resource", uri }, argument: { name: "a", value: "" } }],
  ]),
];

test("no method reaches a server outside the grant, whatever is configured, granted and selected", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const { servers, stepUp, scopes, selection } = world;
      const { hub, pool } = await openWorld(world);
      const principal: Principal = { id: "p", scopes };
      const may = new Set(granted(world).filter((name) => selection.server === null || name === selection.server));
      const others = servers.filter(({ name }) => !may.has(name));
      const answers = await Promise.all(questions.map(([method, params, more]) => hub.call(callOf(method, JSON.stringify(params), { principal, selection, ...more })).then(textOf)));
      const refusals = answers.filter((text) => text.includes('"SCOPE_MISSING"'));
      // Only servers that may be known of are named, and only to whoever lacks them.
      const known = stepUp === "hide" ? [] : others.filter(({ hidden }) => !hidden).map(({ name }) => serverScope(name));
      for (const text of refusals) expect(known).toContain((JSON.parse(text) as { data: { requiredScopes: [string] } }).data.requiredScopes[0]);
      const heard: string[] = [];
      const watching = hub.watch({ principal, selection, client: { info: null, capabilities: "{}" }, session: null, changed: () => undefined, updated: (uri) => heard.push(uri), told: ({ backend }) => heard.push(backend) });
      for (const uri of uris) await watching.subscribe(uri);
      for (const name of names) await watching.follow({ backend: name, taskId: "1" });
      for (const { name } of others) for (const uri of uris) pool.backend(name).update(uri);
      expect(heard).toEqual([]);
      watching.end();
      const lists = answers.slice(0, 4).join("\n");
      expect(others.map(({ name }) => [name, pool.backend(name).calls, pool.backend(name).asked, lists.includes(`only-${name}"`), hub.tool(principal, selection, `${name}__only-${name}`)])).toEqual(others.map(({ name }) => [name, [], [], false, null]));
    }),
    { numRuns: 150 },
  );
});

const grant = (scopes: readonly string[], id = "p"): { readonly principal: Principal } => ({ principal: { id, scopes } });

test("a refused call names its scope while the server that is meant has not come up yet", async () => {
  const { hub, pool } = await stageOf(configOf(specOf("open"), specOf("mine")));
  pool.backend("mine").offer({});
  const ask = async (method: string, params: object): Promise<string> => textOf(await hub.call(callOf(method, JSON.stringify(params), grant(["server:mine"]))));
  for (const method of ["tools/call", "prompts/get"]) expect(await ask(method, { name: "open__t" })).toContain('"requiredScopes":["server:open"]');
  expect(await ask("resources/read", { uri: "x-1mcp://open/a%3A%2F%2F1" })).toContain('"requiredScopes":["server:open"]');
  expect(await ask("completion/complete", { ref: { type: "ref/prompt", name: "open__t" }, argument: { name: "id", value: "" } })).toContain('"requiredScopes":["server:open"]');
});

test("a refused call names the one scope that it needs, and a hidden server answers as one that is not there", async () => {
  const stage = await stageOf(configOf(specOf("open"), specOf("shy", { hidden: true }), specOf("mine")));
  const { hub, pool } = stage;
  for (const name of ["open", "shy", "mine"]) pool.backend(name).offer({ tools: [tool("t")], resources: [`{"uri":"${name}://1","name":"r"}`] });
  const ask = async (method: string, params: object, more: object = {}): Promise<string> => textOf(await hub.call(callOf(method, JSON.stringify(params), { ...grant(["server:mine"]), ...more })));
  expect(await ask("tools/call", { name: "open__t" })).toContain('"requiredScopes":["server:open"]');
  expect(await ask("resources/read", { uri: "open://1" })).toContain('"requiredScopes":["server:open"]');
  expect(await ask("tools/list", {}, { selection: { server: "open" } })).toContain('"requiredScopes":["server:open"]');
  expect(await ask("any/method", {}, { selection: { server: "open" } })).toContain('"requiredScopes":["server:open"]');
  const same = async (method: string, shy: object, none: object, more: (name: string) => object = () => ({})): Promise<void> => {
    const answers = [await ask(method, shy, more("shy")), await ask(method, none, more("nun"))];
    expect(answers[0]).toBe(answers[1]?.replaceAll("nun", "shy"));
    expect(answers[0]).not.toContain("requiredScopes");
  };
  await same("tools/call", { name: "shy__t" }, { name: "nun__t" });
  await same("resources/read", { uri: "shy://1" }, { uri: "nun://1" });
  for (const method of ["tools/list", "tools/call", "any/method"]) await same(method, { name: "t" }, { name: "t" }, (server) => ({ selection: { server } }));
  await same("tasks/get", { taskId: "1" }, { taskId: "1" }, (backend) => ({ backend }));
  expect(await ask("tools/call", { name: "shy__t" }, grant(["server:shy"]))).toContain('"text":"shy"');
});

test("nothing is told of scopes where the operator wants it so, nor to whoever has asked for what its server does not have", async () => {
  const stage = await stageOf({ ...configOf(specOf("open"), specOf("mine")), auth: { ...accessOf(undefined, "/"), stepUp: "hide" } });
  for (const name of ["open", "mine"]) stage.pool.backend(name).offer({ tools: [tool("t")] });
  const ask = async (name: string): Promise<string> => textOf(await stage.hub.call(callOf("tools/call", JSON.stringify({ name }), grant(["server:mine"]))));
  expect(await ask("open__t")).toContain('"code":"NAME_UNKNOWN"');
  expect(await ask("mine__none")).toContain('"code":"NAME_UNKNOWN"');
});
