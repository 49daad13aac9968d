import { expect, test } from "bun:test";
import { isAgreed } from "../../src/cli/agree.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { keptOutput } from "../fixtures/cli.ts";

const asked = (typed: string, { assumeYes = false, json = false, terminal = true } = {}) => {
  const stdout = keptOutput(terminal);
  const input = new Blob([typed]).stream();
  const agreed = isAgreed({ settings: { assumeYes, json }, stdout, pipes: () => ({ input, typist: () => Promise.resolve({ echo: () => undefined }) }) } as unknown as Occasion, "Do it?");
  return { agreed, stdout };
};

test("a person who is asked says yes, and everything else is no", async () => {
  const { agreed, stdout } = asked("y\n");
  expect([await agreed, stdout.text()]).toEqual([true, "Do it? y, or Enter for no > "]);
  const no = asked("n\n");
  expect([await no.agreed, no.stdout.text()]).toEqual([false, "Do it? y, or Enter for no > nothing is changed\n"]);
  expect(await Promise.all([asked("YES\n").agreed, asked("\n").agreed, asked("").agreed, asked("why\n").agreed])).toEqual([true, false, false, false]);
});

test("nobody is asked who has said so already; where nobody is, it is a wrong command line", async () => {
  expect(await asked("", { assumeYes: true, terminal: false }).agreed).toBe(true);
  await expect(asked("y\n", { terminal: false }).agreed).rejects.toMatchObject({ code: "USAGE" });
  await expect(asked("y\n", { json: true }).agreed).rejects.toMatchObject({ code: "USAGE" });
});
