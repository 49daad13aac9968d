import { expect, test } from "bun:test";
import { mayExtend, OwnExtensions } from "../../src/hub/extensions.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { offerOf, viewOn } from "../fixtures/offers.ts";

const offers = [offerOf("a", { capabilities: { extensions: '{"x/1":{}}' } }), offerOf("b", { capabilities: { extensions: '{"x/2":{}}' } })];
const declaring = (...names: string[]) => callOf("x/do", "{}", { client: { info: null, capabilities: JSON.stringify({ extensions: Object.fromEntries(names.map((name) => [name, {}])) }) } });

test("a server's own extensions are the same object for the same view, and of no matter where it is alone", () => {
  const extensions = new OwnExtensions();
  const view = viewOn(offers);
  expect(extensions.of(view, "a")).toEqual(["x/1"]);
  expect(extensions.of(view, "a")).toBe(extensions.of(view, "a"));
  expect([extensions.of(view, "none"), extensions.of(viewOn(offers, "a"), "a")]).toEqual([null, null]);
});

test("a call means the one server whose own extension it declares", () => {
  const extensions = new OwnExtensions();
  const view = viewOn(offers);
  expect([declaring("x/1"), declaring("x/2", "x/3"), declaring("x/1", "x/2"), declaring("x/3"), declaring()].map((call) => extensions.meant(view, call))).toEqual(["a", "b", null, null, null]);
});

test("a call may mean a server that is not there yet where it declares what one could have for itself", () => {
  expect([declaring("x/9"), declaring("io.modelcontextprotocol/ui"), declaring()].map((call) => mayExtend(call, defaultLimits))).toEqual([true, false, false]);
});
