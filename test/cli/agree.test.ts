import { expect, test } from "bun:test";
import { Agreement } from "../../src/cli/agree.ts";
import type { Occasion } from "../../src/cli/occasion.ts";
import { keptOutput } from "../fixtures/cli.ts";

const agreementOf = (typed: string, { assumeYes = false, json = false, terminal = true } = {}) => {
  const stdout = keptOutput(terminal);
  const input = new Blob([typed]).stream();
  const agreement = new Agreement({ settings: { assumeYes, json }, stdout, pipes: () => ({ input, typist: () => Promise.resolve({ echo: () => undefined }) }) } as unknown as Occasion);
  return { agreement, stdout };
};

const asked = (...how: Parameters<typeof agreementOf>) => {
  const { agreement, stdout } = agreementOf(...how);
  return { agreed: agreement.to("Do it?"), stdout };
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

test("one question follows upon another, and a single no is remembered", async () => {
  const { agreement, stdout } = agreementOf("y\nn\ny\n");
  expect([await agreement.to("One?"), agreement.isRefused]).toEqual([true, false]);
  expect([await agreement.to("Two?"), await agreement.to("Three?"), await agreement.to("Four?"), agreement.isRefused]).toEqual([false, true, false, true]);
  expect(stdout.text()).toBe("One? y, or Enter for no > Two? y, or Enter for no > nothing is changed\nThree? y, or Enter for no > Four? y, or Enter for no > nothing is changed\n");
});
