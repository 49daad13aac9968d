import { describe, expect, test } from "bun:test";
import { capabilitiesOf } from "../../src/catalog/index.ts";
import { offerOf, viewOn } from "../fixtures/offers.ts";

describe("what is announced on all servers", () => {
  const all = { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, completions: {}, logging: {} };

  test("is the same with no server at all and with any", () => {
    expect(JSON.parse(capabilitiesOf(viewOn([])))).toEqual(all);
    expect(capabilitiesOf(viewOn([offerOf("a", { capabilities: { tools: "{}" } })]))).toBe(capabilitiesOf(viewOn([])));
  });
});

describe("what is announced on one server", () => {
  const announced = (capabilities: Record<string, string>): string => capabilitiesOf(viewOn([offerOf("a", { capabilities })], "a"));

  test("is its own words, byte for byte", () => {
    expect(announced({ tools: '{"listChanged" : true}', experimental: '{"x":1.10}' })).toBe('{"tools":{"listChanged" : true},"experimental":{"x":1.10}}');
  });

  test("leaves out what is not served here", () => {
    const text = announced({ resources: '{"subscribe":true,"listChanged":true}', tasks: '{"list":{}}', extensions: '{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{}}' });
    expect(text).toBe('{"resources":{"subscribe":true,"listChanged":true},"extensions":{"io.modelcontextprotocol/ui":{}}}');
  });

  test("is nothing while nothing is known of it, and for a name that nobody has", () => {
    expect(capabilitiesOf(viewOn([offerOf("a", { offer: { inventory: null } })], "a"))).toBe("{}");
    expect(capabilitiesOf(viewOn([], "a"))).toBe("{}");
  });
});
