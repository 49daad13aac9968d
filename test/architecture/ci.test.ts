import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { top } from "./tree.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ci-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs .ci/run with a program named bun that prints this and ends so. */
async function run(output: string, exitCode: number): Promise<{ readonly exitCode: number; readonly last: string; readonly text: string }> {
  await writeFile(join(folder, "output"), output);
  await writeFile(join(folder, "bun"), `#!/bin/sh\nif [ "$1" = --version ]; then echo 1.4.5; exit; fi\ncat '${join(folder, "output")}' >&2\nexit ${exitCode}\n`, { mode: 0o755 });
  const child = Bun.spawnSync([join(top, ".ci", "run")], { env: { PATH: `${folder}:/usr/bin:/bin` } });
  const text = child.stdout.toString();
  return { exitCode: child.exitCode, last: text.trimEnd().split("\n").at(-1) ?? "", text };
}

const summary = (pass: number, fail: number): string => `(fail) a test that prints\n 7 pass\n 7 fail\n\n ${pass} pass\n 2 skip\n ${fail} fail\n 9 expect() calls\nRan ${pass + fail} tests across 3 files.\n`;

test("the closing line has the counts of the run's own summary", async () => {
  expect(await run(summary(12, 0), 0)).toMatchObject({ exitCode: 0, last: "12 passed, 0 failed" });
  expect(await run(summary(12, 3), 1)).toMatchObject({ exitCode: 1, last: "12 passed, 3 failed" });
});

test("colours do not hide the counts", async () => {
  expect(await run("\u001b[32m 5 pass\u001b[0m\n\u001b[31m 0 fail\u001b[0m\n", 0)).toMatchObject({ exitCode: 0, last: "5 passed, 0 failed" });
});

test("a run that fails without a failed test fails, and says why that can be", async () => {
  const { exitCode, last, text } = await run(summary(12, 0), 1);
  expect({ exitCode, last }).toEqual({ exitCode: 1, last: "12 passed, 0 failed" });
  expect(text).toContain("coverage below its threshold");
});

test("a failed test is never a success, whatever the run says", async () => {
  expect(await run(summary(12, 1), 0)).toMatchObject({ exitCode: 1, last: "12 passed, 1 failed" });
});

test("a run without a summary fails and makes up no counts", async () => {
  for (const exitCode of [0, 139]) {
    const ended = await run("error: something broke\n", exitCode);
    expect(ended.exitCode).toBe(exitCode === 0 ? 1 : exitCode);
    expect(ended.text).not.toContain("passed");
  }
});

test("runs the README's own command", async () => {
  const [script, readme] = await Promise.all([".ci/run", "README.md"].map((path) => readFile(join(top, path), "utf8")));
  const pinned = /^pinned=(.+)$/m.exec(script ?? "")?.[1];
  const command = /tests=\((npx .+)\)/.exec(script ?? "")?.[1]?.replace('"bun@$pinned"', `bun@${pinned}`);
  expect(command).toBeString();
  expect(readme).toContain(`\n${command}\n`);
  expect(await Bun.file(join(top, "package.json")).json()).toMatchObject({ devDependencies: { bun: pinned } });
});
