/** Commands on a real terminal: what a person types there, and what he must not see of it. */
import { describe, expect, test } from "bun:test";
import { onTerminal } from "../fixtures/onTerminal.ts";
import { temporaryDir } from "../fixtures/program.ts";

// Windows has no terminal of this kind.
describe.skipIf(process.platform === "win32")("on a terminal", () => {
  test("a password is typed twice and never seen, and can be given up", async () => {
    await using dir = await temporaryDir();
    const flags = ["--state-dir", `${dir.path}/state`, "--config", `${dir.path}/none.json`];
    await Bun.write(`${dir.path}/none.json`, "{}");
    const set = await onTerminal(["auth", "password", ...flags], [["New password: ", "correct horse\r"], ["Once more: ", "correct horsx\u007fe\r"]]);
    expect([set.code, set.text.includes("the password is set"), set.text.includes("correct"), set.text.includes("horse")]).toEqual([0, true, false, false]);
    const given = await onTerminal(["auth", "password", ...flags], [["New password: ", "cor\u0003"]]);
    expect([given.code, given.text.includes("cancelled"), given.text.includes("cor\u0003")]).toEqual([1, true, false]);
  });
});
