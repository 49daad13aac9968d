import { describe, expect, test } from "bun:test";
import { capabilitiesOf } from "../../src/catalog/index.ts";
import { offerOf, viewOn } from "../fixtures/offers.ts";

describe("what is announced on all servers", () => {
  const all = { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, completions: {}, logging: {}, extensions: { "io.modelcontextprotocol/tasks": {} } };

  test("is the same with no server at all and with any", () => {
    expect(JSON.parse(capabilitiesOf(viewOn([])))).toEqual(all);
    expect(capabilitiesOf(viewOn([offerOf("a", { capabilities: { tools: "{}" } })]))).toBe(capabilitiesOf(viewOn([])));
  });

  test("holds an extension that goes through as it is while a server has it, with its settings if it is the only one", () => {
    const having = (settings: string): Record<string, string> => ({ extensions: `{"io.modelcontextprotocol/ui":${settings}}` });
    const announced = (...servers: Record<string, string>[]): unknown => JSON.parse(capabilitiesOf(viewOn(servers.map((capabilities, index) => offerOf(`s${index}`, { capabilities }))))).extensions;
    const tasks = { "io.modelcontextprotocol/tasks": {} };
    expect(announced(having('{"a":1}'), { tools: "{}" })).toEqual({ ...tasks, "io.modelcontextprotocol/ui": { a: 1 } });
    expect(announced(having('{"a":1}'), having('{"b":1}'))).toEqual({ ...tasks, "io.modelcontextprotocol/ui": {} });
    for (const odd of ["5", "null", "[]", "true", '"x"', '{"a":1,"a":2}']) expect(announced(having(odd), having('{"b":1}'))).toEqual({ ...tasks, "io.modelcontextprotocol/ui": { b: 1 } });
    expect(announced({ experimental: '{"io.modelcontextprotocol/ui":{}}' })).toEqual(tasks);
  });
});

describe("an extension that nobody here knows", () => {
  const announced = (...servers: string[]): string => capabilitiesOf(viewOn(servers.map((extensions, index) => offerOf(`s${index}`, { capabilities: { extensions } }))));

  test("is announced on all servers where one alone has it, with its settings byte for byte", () => {
    const text = announced('{"com.example/a":{"rate":1.10},"com.example/both":{}}', '{"com.example/b":{},"com.example/both":{}}', "{}");
    expect(text).toEndWith('"extensions":{"io.modelcontextprotocol/tasks":{},"com.example/a":{"rate":1.10},"com.example/b":{}}}');
  });

  test("with settings that are none is not announced, and takes it from nobody", () => {
    for (const odd of ["5", "null", "[]"]) expect(announced(`{"com.example/a":${odd}}`, '{"com.example/a":{"n":1}}')).toEndWith('"com.example/a":{"n":1}}}');
    expect(announced('{"com.example/a":7}')).not.toContain("com.example");
  });
});

describe("what is announced on one server", () => {
  const announced = (capabilities: Record<string, string>): string => capabilitiesOf(viewOn([offerOf("a", { capabilities })], "a"));

  test("is its own words, byte for byte", () => {
    expect(announced({ tools: '{"listChanged" : true}', experimental: '{"x":1.10}' })).toBe('{"tools":{"listChanged" : true},"experimental":{"x":1.10}}');
  });

  test("leaves out the older tasks, and no extension", () => {
    const text = announced({ resources: '{"subscribe":true,"listChanged":true}', tasks: '{"list":{}}', extensions: '{"io.modelcontextprotocol/tasks":{},"com.example/x":{"n":1.10}}' });
    expect(text).toBe('{"resources":{"subscribe":true,"listChanged":true},"extensions":{"io.modelcontextprotocol/tasks":{},"com.example/x":{"n":1.10}}}');
  });

  test("is nothing while nothing is known of it, and for a name that nobody has", () => {
    expect(capabilitiesOf(viewOn([offerOf("a", { offer: { inventory: null } })], "a"))).toBe("{}");
    expect(capabilitiesOf(viewOn([], "a"))).toBe("{}");
  });
});
