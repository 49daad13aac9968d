import { describe, expect, test } from "bun:test";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { type AuditEntry, createAudit, createKnownSecrets, defaultLimits } from "../../src/base/index.ts";
import { runHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";

/** A state folder with a log of these entries, a minute apart. */
async function logOf(entries: readonly AuditEntry[], bytesMax = 1024 * 1024) {
  const folder = await createFolder();
  await chmod(folder.path, 0o700);
  const clock = createTestClock({ now: Date.UTC(2026, 10, 22) });
  const path = folder.at("audit.log");
  const audit = createAudit({ path, bytesMax, filesMax: 8, clock, secrets: createKnownSecrets(), limits: defaultLimits, life: "abc", onTrouble: () => undefined });
  for (const entry of entries) {
    audit.record(entry);
    await audit.flush();
    await clock.advance(60_000);
  }
  await audit.close();
  const ask = (...words: string[]) => runHere([...words, "--state-dir", folder.path, "--config", folder.at("none.json")]);
  return { path, folder, ask, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const calls = (count: number): AuditEntry[] => Array.from({ length: count }, (_, n) => ({ ev: "tool.call", target: `files/t${n}`, grant: "g_1" }));

describe("1mcp audit", () => {
  test("prints a line for each thing that happened, whatever is in it, and from a moment on", async () => {
    await using log = await logOf([{ ev: "auth.invalid", addr: "203.0.113.9", client: "evil\u001b[2J agent\n", need: ["a"] }, ...calls(2)]);
    expect(await log.ask("audit")).toEqual({
      code: 0,
      stdout: [
        '2026-11-22T00:00:00.000Z auth.invalid       addr=203.0.113.9 client="evil\\u001b[2J agent\\n" need=["a"]',
        "2026-11-22T00:01:00.000Z tool.call          target=files/t0 grant=g_1",
        "2026-11-22T00:02:00.000Z tool.call          target=files/t1 grant=g_1",
        "",
      ].join("\n"),
      stderr: "",
    });
    expect((await log.ask("audit", "--since", "2026-11-22T00:02:00Z")).stdout).toContain("t1");
    expect((await log.ask("audit", "--since", "2026-11-22T00:02:00Z")).stdout).not.toContain("t0");
    expect((await log.ask("audit", "--since", "now")).code).toBe(2);
  });

  test("prints lines as they were written with --json", async () => {
    await using log = await logOf(calls(2));
    expect((await log.ask("audit", "--json")).stdout).toBe(await readFile(log.path, "utf8"));
  });

  test("shows what is no line as such", async () => {
    await using log = await logOf([]);
    await writeFile(log.path, "half\u0007 a li\n", { mode: 0o600 });
    expect((await log.ask("audit")).stdout).toBe("? half\\u0007 a li\n");
    expect((await log.ask("audit", "--json")).stdout).toBe("");
  });

  test("has nothing to show where the configuration keeps none, and looks where it says", async () => {
    await using folder = await createFolder();
    await chmod(folder.path, 0o700);
    await writeFile(folder.at("c.json"), '{"audit":{"file":""}}');
    const { code, stderr } = await runHere(["audit", "--state-dir", folder.path, "--config", folder.at("c.json")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("keeps no audit log")]);
    await writeFile(folder.at("c.json"), '{"audit":{"file":"other.log"}}');
    await writeFile(folder.at("other.log"), "x\n", { mode: 0o600 });
    expect((await runHere(["audit", "--state-dir", folder.path, "--config", folder.at("c.json")])).stdout).toBe("? x\n");
  });
});

describe("1mcp audit verify", () => {
  test("says that the lines of all files fit together", async () => {
    await using log = await logOf(calls(30), 1500);
    const { code, stdout, stderr } = await log.ask("audit", "verify");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^30 lines in \d+ files fit together\n$/);
  });

  test("names each line that does not, and counts beyond what is worth reading", async () => {
    await using log = await logOf(calls(60));
    const text = await readFile(log.path, "utf8");
    await writeFile(log.path, text.replace("files/t3", "files/t9"));
    expect(await log.ask("audit", "verify")).toEqual({ code: 1, stdout: "59 lines in 1 file fit together, 1 do not\n", stderr: `${log.path}:5: the line before it was changed\n` });
    await writeFile(log.path, text.split("\n").filter((_, n) => n % 2 === 0).join("\n"));
    const { code, stderr } = await log.ask("audit", "verify");
    expect([code, stderr.split("\n").length]).toEqual([1, 22]);
    expect(stderr).toContain("and 9 more");
  });

  test("refuses a file that others could have changed", async () => {
    await using log = await logOf(calls(1));
    await chmod(log.path, 0o666);
    expect(await log.ask("audit", "verify")).toMatchObject({ code: 1, stderr: expect.stringContaining("can be read or written by others") });
  });
});
