import { expect, test } from "bun:test";
import type { Offered } from "../../src/backend/types.ts";
import { OwnOffer, privately } from "../../src/backend/variants.ts";
import type { Listed } from "../../src/era/index.ts";

const listed = (...items: readonly string[]): Listed => ({ items, cache: { ttlMs: 5, scope: "public" } });
const offered: Offered = {
  facts: { info: "{}", capabilities: new Map(), instructions: null, revision: "r", announces: true, subscribes: false },
  lists: { tools: listed("a"), prompts: listed("b"), resources: listed(), templates: listed() },
  fetchedAt: 7,
};

test("what an instance has changed takes the place of what everybody is offered, and nothing else", () => {
  const moved = { tools: listed("new") };
  expect(new OwnOffer().of(offered, moved)).toEqual({ ...offered, lists: { ...offered.lists, tools: listed("new") } });
});

test("an own offer is made once for what it is made of", () => {
  const own = new OwnOffer();
  const moved = { tools: listed("new") };
  const made = own.of(offered, moved);
  expect(own.of(offered, moved)).toBe(made);
  expect(own.of({ ...offered }, moved)).not.toBe(made);
  const again = own.of(offered, moved);
  expect(own.of(offered, { tools: listed("new") })).not.toBe(again);
});

test("a list that is for some alone may be kept by nobody else", () => {
  expect(privately(listed("a"))).toEqual({ items: ["a"], cache: { ttlMs: 5, scope: "private" } });
});
