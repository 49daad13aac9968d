import { expect, test } from "bun:test";
import { definitionActions } from "../../src/front/definitions.ts";

test("the operator is given the texts of the moment", () => {
  const definitions = { catalog: "full" as const, servers: [], pair: [] };
  const [action, ...others] = definitionActions({ definitions: () => definitions });
  expect([action?.method, action?.path, others.length]).toEqual(["GET", "/definitions", 0]);
  expect(action?.run({ id: "", body: undefined })).toBe(definitions);
});
