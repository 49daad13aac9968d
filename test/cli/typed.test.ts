import { describe, expect, test } from "bun:test";
import { hiddenLine, Lines } from "../../src/cli/typed.ts";

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
