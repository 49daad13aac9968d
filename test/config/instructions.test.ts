import { expect, test } from "bun:test";
import { filledInstructions } from "../../src/config/instructions.ts";
import { parseConfig } from "../../src/config/load.ts";

const load = (file: object) => parseConfig({ text: JSON.stringify(file), path: "/c/mcp.json", variables: new Map(), hash: "" });

test("the template that is named is used, and others are only checked", () => {
  const loaded = load({ instructionTemplates: { a: { initialization: "{{serverCount}}" }, b: { initialization: "" } }, activeInstructionTemplate: "a" });
  expect(loaded.ok && loaded.config.instructionTemplate).toBe("{{serverCount}}");
  expect(load({ instructionTemplates: { a: { initialization: "x" } } })).toMatchObject({ ok: true, config: { instructionTemplate: null } });
});

test("one that is not there, or cannot be read, is refused with its place", () => {
  expect(load({ activeInstructionTemplate: "a" })).toMatchObject({ ok: false, issues: [{ message: expect.stringContaining("names no template: “a”") as string }] });
  expect(load({ instructionTemplates: { a: { initialization: "hi {{project.path}}" } } })).toMatchObject({ ok: false, issues: [{ path: ["instructionTemplates", "a", "initialization"], message: expect.stringContaining("cannot be read at character 4") as string }] });
});

test("what is filled in comes through as it is", () => {
  expect(filledInstructions("<{{instructions}}>", { instructions: "{{title}} ${X}" })).toBe("<{{title}} ${X}>");
  expect(filledInstructions("{{", {})).toBe("");
});
