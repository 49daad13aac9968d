import { describe, expect, test } from "bun:test";
import { extensionsIn, isOwnable, ownExtensions } from "../../src/catalog/index.ts";
import { defaultLimits } from "../../src/base/index.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { offerOf, viewOn } from "../fixtures/offers.ts";

const having = (name: string, extensions: string) => offerOf(name, { capabilities: { extensions } });

describe("an extension is a server's own", () => {
  test("where no other visible server has it, and nobody here knows it", () => {
    const view = viewOn([having("a", '{"x/1":{},"x/2":{},"x/3":{}}'), having("b", '{"x/3":{},"io.modelcontextprotocol/ui":{},"io.modelcontextprotocol/tasks":{}}'), having("c", '{"x/3":{}}')]);
    expect([...ownExtensions(view)]).toEqual([["a", ["x/1", "x/2"]]]);
  });

  test("never where its capabilities say nothing that can be read", () => {
    for (const odd of ["5", "[]", "null", '{"x/1":1}']) expect([...ownExtensions(viewOn([having("a", odd)]))]).toEqual([]);
    expect(rawOf(extensionsIn("nonsense extensions", defaultLimits))).toBe("{}");
  });

  test("unless it is one of those that every server shares", () => {
    expect(["io.modelcontextprotocol/ui", "io.modelcontextprotocol/tasks", "x/1"].map(isOwnable)).toEqual([false, false, true]);
  });
});
