import { expect, test } from "bun:test";
import { capabilityName, missingFor } from "../../src/era/capability.ts";
import { located } from "../fixtures/serve.ts";

const missing = (method: string, params: string, declared: string) => missingFor(method, located(params), located(declared));

// Checklist: B12
test("a form may be asked by the old word for it, a page only by its own", () => {
  expect(missing("elicitation/create", "{}", '{"elicitation":{}}')).toBeNull();
  expect(missing("elicitation/create", '{"mode":"form"}', '{"elicitation":{"form":{}}}')).toBeNull();
  expect(missing("elicitation/create", "{}", '{"elicitation":{"url":{}}}')).toEqual({ elicitation: { form: {} } });
  expect(missing("elicitation/create", '{"mode":"url"}', '{"elicitation":{}}')).toEqual({ elicitation: { url: {} } });
  expect(missing("elicitation/create", "{}", '{"elicitation":true}')).toEqual({ elicitation: { form: {} } });
});

test("a model may be asked with tools only by a client that said so", () => {
  expect(missing("sampling/createMessage", "{}", "{}")).toEqual({ sampling: {} });
  expect(missing("sampling/createMessage", '{"toolChoice":{}}', '{"sampling":{}}')).toEqual({ sampling: { tools: {} } });
  expect(missing("sampling/createMessage", '{"tools":[]}', '{"sampling":{"tools":{}}}')).toBeNull();
});

test("roots are asked for where they are declared, and nothing else is a question", () => {
  expect(missing("roots/list", "{}", '{"roots":{"listChanged":true}}')).toBeNull();
  expect(missing("roots/list", "{}", "{}")).toEqual({ roots: {} });
  for (const other of ["ping", "toString", ""]) expect(missing(other, "{}", "{}")).toBe("unknown");
});

test("a capability has a name to be read", () => {
  expect(capabilityName({ elicitation: { url: {} } })).toBe("elicitation.url");
  expect(capabilityName({ sampling: {}, roots: {} })).toBe("sampling, roots");
});
