import { describe, expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { askPerson } from "../../src/cli/questions.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { located } from "../fixtures/serve.ts";

/** Asks, and gives the answer and what was to be read. */
async function asked(params: unknown, ...answers: readonly string[]) {
  const [left, stderr] = [[...answers], keptOutput()];
  const answer = await askPerson({ kind: "elicitation", params: located(JSON.stringify(params)), backend: "demo", cancel: new CancelSource() }, { next: () => Promise.resolve(left.shift() ?? null) }, stderr);
  return { answer: answer.ok ? JSON.parse(answer.result) : null, text: stderr.text(), left };
}

const form = (properties: object, required: readonly string[] = []) => ({ message: "Please", requestedSchema: { type: "object", properties, required } });

describe("a form at the terminal", () => {
  test("is asked field by field, with the server's name before it, and nothing that drives the terminal", async () => {
    const { answer, text } = await asked(form({ name: { type: "string", title: "Name\u001b[2J", description: "yours" }, age: { type: "integer", minimum: 1, maximum: 9 } }, ["name"]), "Ada", "7");
    expect(answer).toEqual({ action: "accept", content: { name: "Ada", age: 7 } });
    expect(text).toBe("[demo] Please\n  Name\\u001b[2J (yours): \n  age [may be left out]: ".replace(": \n", ": "));
  });

  test("takes every type, says what is wrong, and asks again", async () => {
    const properties = { n: { type: "number" }, i: { type: "integer", minimum: 2, maximum: 3 }, b: { type: "boolean" }, e: { type: "string", enum: ["x", "y"] }, o: { type: "string", oneOf: [{ const: "p", title: "P" }] }, l: { type: "array", items: { enum: ["u", "v"] } }, a: { type: "array", items: { anyOf: [{ const: "w" }] } }, d: { type: "string", default: "std" }, skip: { type: "string" } };
    const { answer, text } = await asked(form(properties, ["n"]), "", "abc", "1.5", "2.5", "9", "3", "maybe", "yes", "z", "y", "p", "u,q", "u, v", "w", "", "");
    expect(answer).toEqual({ action: "accept", content: { n: 1.5, i: 3, b: true, e: "y", o: "p", l: ["u", "v"], a: ["w"], d: "std" } });
    for (const wrong of ["this cannot be left out", "it must be a number", "it must be a whole number", "it must be from 2 to 3", "answer yes or no", "it must be one of x, y", "“q” is none of u, v"]) expect(text).toContain(wrong);
    expect((await asked(form({ b: { type: "boolean" } }), "n")).answer.content).toEqual({ b: false });
  });

  test("is cancelled by who goes, or is wrong three times", async () => {
    expect((await asked(form({ a: { type: "string" } }))).answer).toEqual({ action: "cancel" });
    const { answer, left } = await asked(form({ a: { type: "number" } }), "x", "y", "z", "1");
    expect([answer, left]).toEqual([{ action: "cancel" }, ["1"]]);
  });

  test("without fields is a question that is answered by being there", async () => expect((await asked({})).answer).toEqual({ action: "accept", content: {} }));
});

describe("a page", () => {
  const page = { mode: "url", message: "Log in", url: "https://a.example/x" };

  test("is shown as its address, and is done when the person says so", async () => {
    const { answer, text } = await asked(page, "y");
    expect([answer, text]).toEqual([{ action: "accept" }, "[demo] Log in\n  open this page: https://a.example/x\n  Is it done? [y/N] "]);
    expect((await asked(page, "")).answer).toEqual({ action: "decline" });
    expect((await asked(page)).answer).toEqual({ action: "cancel" });
  });
});

test("whatever else is asked for, a person cannot give", async () => {
  const ask = { kind: "sampling" as const, params: null, backend: "demo", cancel: new CancelSource() };
  await expect(askPerson(ask, { next: () => Promise.resolve(null) }, keptOutput())).rejects.toMatchObject({ code: "ASK_REFUSED" });
});
