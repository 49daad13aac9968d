import { describe, expect, test } from "bun:test";
import { hasPerson, hiddenLine, isAgreed, Lines } from "../../src/cli/typed.ts";
import { keptOutput } from "../fixtures/cli.ts";

/** An input that gives these pieces one by one, and ends. */
const inputOf = (...pieces: readonly string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(to) {
      for (const piece of pieces) to.enqueue(new TextEncoder().encode(piece));
      to.close();
    },
  });

async function allOf(lines: Lines): Promise<string[]> {
  const all: string[] = [];
  for (let line = await lines.next(); line !== null; line = await lines.next()) all.push(line);
  return all;
}

describe("lines", () => {
  test("come one by one, however the input is cut, with whatever break, the last one without", async () => {
    expect(await allOf(new Lines(inputOf("a\nb\r", "\nü", "\r\nlast")))).toEqual(["a", "b", "ü", "last"]);
    expect(await allOf(new Lines(inputOf()))).toEqual([]);
    expect(await allOf(new Lines(inputOf("\n\n")))).toEqual(["", ""]);
  });

  test("end where nobody types that much", async () => {
    expect((await new Lines(inputOf("x".repeat(20_000), "y\n")).next())?.length).toBe(20_000);
  });
});

test("there is a person only where he sees the question and can type", async () => {
  const typist = () => Promise.resolve({ echo: () => undefined });
  const desk = (isTerminal: boolean, more: object) => ({ stdout: keptOutput(isTerminal), pipes: () => more as never });
  expect(await Promise.all([hasPerson(desk(true, { typist })), hasPerson(desk(false, { typist })), hasPerson(desk(true, {})), hasPerson(desk(true, { typist: () => Promise.resolve(null) }))])).toEqual([true, false, false, false]);
});

test("a yes is a yes, and nothing else is", async () => {
  const answers = ["y\n", " YES \n", "yes", "\n", "no\n", "yeah\n", ""];
  const agreed = await Promise.all(answers.map((text) => isAgreed({ stdout: keptOutput(), pipes: () => ({ input: inputOf(text) }) as never }, "? ")));
  expect(agreed).toEqual([true, true, true, false, false, false, false]);
});

describe("a hidden line", () => {
  const typed = async (text: string) => {
    const echoes: boolean[] = [];
    const line = await hiddenLine(new Lines(inputOf(text)), { echo: (isShown) => void echoes.push(isShown) }, () => expect(echoes).toEqual([false])).catch((thrown: { code: string }) => thrown.code);
    return { line, echoes };
  };

  test("is not shown, and what was shown before is again afterwards", async () => {
    expect(await typed("secret\r")).toEqual({ line: "secret", echoes: [false, true] });
  });

  test("is corrected with the erasing key", async () => {
    expect((await typed("\u007fse\u007fecx\bret\r")).line).toBe("secret");
    expect((await typed("a😀\u007fb\r")).line).toBe("ab");
  });

  test("is given up with Ctrl-C, Ctrl-D, or an end", async () => {
    for (const text of ["sec\u0003", "\u0004", ""]) expect(await typed(text)).toEqual({ line: "CALL_CANCELLED", echoes: [false, true] });
  });
});
