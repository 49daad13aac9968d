import { expect, test } from "bun:test";
import { runHere } from "../fixtures/cli.ts";

test("the launcher is nobody's to start but a proxy's, whatever follows its word", async () => {
  for (const words of [["launch"], ["launch", "sh", "--version"], ["launch", "--help"]]) {
    const { code, stdout, stderr } = await runHere(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("the launcher is started by a proxy");
  }
});
