import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultLimits, type Limits } from "../../src/base/index.ts";
import { Owners } from "../../src/hub/owners.ts";
import type { Call } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { objectFrom } from "../fixtures/pool.ts";

const by = (id: string, method = "tools/call", params = "{}"): Call => callOf(method, params, { principal: { id, scopes: null } });
const linkTo = (...uris: string[]): string => JSON.stringify({ content: uris.map((uri) => ({ type: "resource_link", uri, name: "n" })) });

function stage(limits: Partial<Limits> = {}) {
  const owners = new Owners();
  const learn = (id: string, backend: string, result: string, call = by(id)): void => owners.learn(call, backend, objectFrom(result), { ...defaultLimits, ...limits });
  return { owners, learn };
}

test("what a result names can be traced to its server by whoever got the result, and by nobody else", () => {
  const { owners, learn } = stage();
  learn("p", "a", linkTo("x://1", "x://2"));
  expect([owners.of("p", "x://1"), owners.of("p", "x://2"), owners.of("p", "x://3"), owners.of("q", "x://1")]).toEqual([["a"], ["a"], [], []]);
});

test("links, embedded resources, contents and structured output count, escaped as they may be; text that is quoted does not", () => {
  const { owners, learn } = stage();
  learn("p", "a", '{"content":[{"type":"resource","resource":{"uri" : "x:\\/\\/1","text":"t"}},{"type":"text","text":"{\\"uri\\":\\"x://quoted\\"}"}],"structuredContent":{"file":{"uri":"x://deep","n":1}}}');
  learn("p", "a", '{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"x://\\u00e9","text":""}}}]}');
  expect(["x://1", "x://deep", "x://é"].map((uri) => owners.of("p", uri))).toEqual([["a"], ["a"], ["a"]]);
  expect(owners.size).toBe(3);
  learn("p", "a", '{"content":[{"uri":1},{"uri":null},{"uri":{"uri":["x"]}}],"text":"the \\"uri\\""}');
  expect(owners.size).toBe(3);
});

test("a resource that was read is not learned by that, but what came with it is", () => {
  const { owners, learn } = stage();
  learn("p", "a", '{"contents":[{"uri":"x://dir"},{"uri":"x://dir/file"}]}', by("p", "resources/read", '{"uri":"x://dir"}'));
  expect([owners.of("p", "x://dir"), owners.of("p", "x://dir/file")]).toEqual([[], ["a"]]);
});

test("only the result is searched, not what stands around it", () => {
  const { owners } = stage();
  const message = objectFrom('{"before":{"uri":"x://no"},"result":{"uri":"x://yes"},"after":{"uri":"x://no"}}');
  const [, result] = message.members;
  owners.learn(by("p"), "a", { text: message.text, open: result?.start ?? 0, close: result?.end ?? 0, members: [] }, defaultLimits);
  expect([owners.of("p", "x://yes"), owners.of("p", "x://no")]).toEqual([["a"], []]);
  owners.learn(by("p"), "a", { text: message.text, open: 0, close: 5, members: [] }, defaultLimits);
  expect(owners.size).toBe(1);
});

test("a resource that several servers name has them all", () => {
  const { owners, learn } = stage();
  learn("p", "a", linkTo("x://1"));
  learn("p", "b", linkTo("x://1"));
  learn("p", "a", linkTo("x://1"));
  expect([...owners.of("p", "x://1")].sort()).toEqual(["a", "b"]);
  expect(owners.size).toBe(1);
});

test("one caller's resources are bounded, the one used longest ago goes first", () => {
  const { owners, learn } = stage({ ownersPerPrincipalMax: 2 });
  learn("p", "a", linkTo("x://1", "x://2"));
  owners.of("p", "x://1");
  learn("p", "a", linkTo("x://3"));
  expect(["x://1", "x://2", "x://3"].map((uri) => owners.of("p", uri).length)).toEqual([1, 0, 1]);
  expect(owners.size).toBe(2);
});

test("all resources together are bounded, at the cost of who has more than others", () => {
  const { owners, learn } = stage({ ownersMax: 3 });
  learn("p", "a", linkTo("x://1"));
  learn("q", "a", linkTo("x://1", "x://2"));
  learn("r", "a", linkTo("x://1"));
  expect(owners.size).toBe(3);
  expect([owners.of("p", "x://1"), owners.of("q", "x://1"), owners.of("q", "x://2"), owners.of("r", "x://1")]).toEqual([["a"], [], ["a"], ["a"]]);
});

test("who is told of more and more drives out nothing that another was told", () => {
  const { owners, learn } = stage({ ownersMax: 100, ownersPerPrincipalMax: 80 });
  for (const id of ["p", "q"]) learn(id, "a", linkTo(...Array.from({ length: 30 }, (_, n) => `x://${n}`)));
  for (let round = 0; round < 50; round += 1) learn("greedy", "a", linkTo(...Array.from({ length: 80 }, (_, n) => `y://${round}/${n}`)));
  for (const id of ["p", "q"]) for (let n = 0; n < 30; n += 1) expect(owners.of(id, `x://${n}`)).toEqual(["a"]);
  expect(owners.size).toBe(100);
  learn("new", "a", linkTo("x://1"));
  expect(owners.of("new", "x://1")).toEqual(["a"]);
  expect(["p", "q"].map((id) => owners.of(id, "x://0").length)).toEqual([1, 1]);
});

test("results that are too long and URIs that are too long are passed over", () => {
  const { owners, learn } = stage({ ownersCharsMax: 200, uriCharsMax: 20 });
  learn("p", "a", linkTo("x://1", `x://${"y".repeat(300)}`));
  expect(owners.size).toBe(0);
  learn("p", "a", linkTo(`x://${"y".repeat(30)}`, "x://1"));
  expect(owners.of("p", "x://1")).toEqual(["a"]);
  expect(owners.size).toBe(1);
});

test("whatever is learned and asked for, the bounds hold and nobody sees what another was told", () => {
  const step = fc.record({ id: fc.constantFrom("p", "q", "r"), backend: fc.constantFrom("a", "b"), uris: fc.array(fc.nat(9), { maxLength: 5 }), ask: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { owners, learn } = stage({ ownersMax: 8, ownersPerPrincipalMax: 4 });
      const told = new Map<string, Set<string>>();
      for (const { id, backend, uris, ask } of steps) {
        learn(id, backend, linkTo(...uris.map((n) => `x://${n}`)));
        for (const n of uris) told.set(`${id} x://${n}`, (told.get(`${id} x://${n}`) ?? new Set()).add(backend));
        for (const backendTold of owners.of(id, `x://${ask}`)) expect(told.get(`${id} x://${ask}`)?.has(backendTold)).toBe(true);
        expect(owners.size).toBeLessThanOrEqual(8);
        const kept = ["p", "q", "r"].map((one) => Array.from({ length: 10 }, (_, n) => owners.of(one, `x://${n}`)).filter((found) => found.length > 0).length);
        expect(Math.max(...kept)).toBeLessThanOrEqual(4);
        expect(kept.reduce((sum, n) => sum + n, 0)).toBe(owners.size);
      }
    }),
  );
});
