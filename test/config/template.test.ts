import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isTemplate, parseTemplate, renderTemplate } from "../../src/config/template.ts";

const same = (text: string): string => text;
const filled = (template: string, context: object): string => {
  const parsed = parseTemplate(template);
  if (!parsed.ok) return `${parsed.at}: ${parsed.problem}`;
  const { text, missing } = renderTemplate(parsed.parts, context as Record<string, unknown>, same);
  return missing.length === 0 ? text : `missing ${missing.join(",")}`;
};

test("a value comes through as it is, whatever is in it, and is never looked at again", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("O'Brien & co $(id)", "{{user.name}}", "${HOME}", "$$", "{{#if")), (value) => {
      expect(filled("<{{project.custom.x}}>", { project: { custom: { x: value } } })).toBe(`<${value}>`);
    }),
  );
});

test("what is no template is left as it is", () => {
  fc.assert(fc.property(fc.string().filter((text) => !isTemplate(text)), (text) => expect(filled(text, {})).toBe(text)));
});

test.each([
  ["{{ project.name }}-{{user.uid}}", "p-7"],
  ["{{{project.name}}}", "p"],
  ["{{#if project.name}}a{{else}}b{{/if}}", "a"],
  ["{{#if project.none}}a{{else}}b{{/if}}", "b"],
  ["{{#if project.off}}a{{/if}}", ""],
  ["{{#unless project.none}}a{{/unless}}", "a"],
  ['{{#if (eq project.name "p")}}{{#if (ne user.uid "7")}}x{{else}}y{{/if}}{{/if}}', "y"],
  ['{{#if (contains project.name "p")}}1{{/if}}{{#if (startsWith project.name "q")}}2{{/if}}{{#if (endsWith project.name "p")}}3{{/if}}', "13"],
  ["{{project.none}}{{user.none}}", "missing project.none,user.none"],
  ["{{project.custom}}", "missing project.custom"],
  ["{{project.constructor}}", "missing project.constructor"],
  ["a{{", "1: {{ has no end"],
  ["{{name}}", "0: {{name}} is not one of the names that there are: project.…, user.…, environment.…, transport.…"],
  ["x{{math 1 2}}", "1: {{math 1 2}} is not one of the names that there are: project.…, user.…, environment.…, transport.…"],
  ["{{#each project.x}}", "0: {{#each project.x}} has no end"],
  ["{{#with project.x}}", "0: {{#with project.x}} is nothing that is known; there are #if, #unless, #each, eq, ne, contains, startsWith and endsWith"],
  ["{{#if project.name}}a", "0: {{#if project.name}} has no end"],
  ["{{#if project.name}}a{{/unless}}", "0: {{#if project.name}} has no end"],
  ["a{{/if}}", "8: {{/if}} ends what nothing has begun"],
  ['{{#unless (eq project.name "p")}}a{{/unless}}', '0: write {{#if}} with the opposite for {{#unless (eq project.name "p")}}'],
  ["{{#if project.name}}".repeat(17), "320: sections are more than 16 deep"],
])("%s gives %s", (template, expected) => {
  expect(filled(template, { project: { name: "p", off: false, custom: {} }, user: { uid: 7 } })).toBe(expected);
});

test("reading any text ends, and never throws", () => {
  fc.assert(fc.property(fc.array(fc.constantFrom("{{", "}}", "#if ", "/if", "else", "project.a", "{", "}", "(eq project.a \"x\")", " ", "x"), { maxLength: 30 }), (words) => expect(typeof parseTemplate(words.join("")).ok).toBe("boolean")));
});
