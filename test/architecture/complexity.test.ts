import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { top } from "./tree.ts";

/** What oxlint says of some files, by the configuration beside this test. */
function lint(...paths: string[]): { readonly exitCode: number; readonly problems: readonly string[] } {
  const config = join(import.meta.dir, "oxlint.json");
  const run = Bun.spawnSync([process.execPath, join(top, "node_modules", ".bin", "oxlint"), "-c", config, "--disable-nested-config", "--format", "unix", ...paths], { cwd: top, env: process.env });
  const lines = run.stdout.toString().split("\n").filter((line) => /:\d+:\d+: /.test(line));
  return { exitCode: run.exitCode, problems: lines };
}

test("this house passes oxlint, with a complexity of at most 9 in every function", () => {
  expect(lint("src", "test", "release", "build.ts")).toEqual({ exitCode: 0, problems: [] });
});

describe("the gate", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lint-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const sample = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };
  const withBranches = (count: number): string => `export function f(x) {\n${Array.from({ length: count }, (_, n) => `  if (x === ${n}) return ${n + 1};`).join("\n")}\n  return x;\n}\n`;

  test("allows a complexity of 9 and catches one of 10", async () => {
    expect(lint(await sample("nine.ts", withBranches(8)))).toEqual({ exitCode: 0, problems: [] });
    const ten = lint(await sample("ten.ts", withBranches(9)));
    expect(ten.exitCode).not.toBe(0);
    expect(ten.problems).toEqual([expect.stringContaining("complexity of 10")]);
  });

  test.each([
    ["optional chains", "export const f = (x) => x?.a?.b?.c?.d?.e?.f?.g?.h?.i;\n"],
    ["defaults and conditions", "export const f = (a, b) => (a ?? b) || (a && b) || (a ? b : a) || (a ?? b) || (a && b) || (a ? b : a);\n"],
  ])("counts %s", async (what, text) => {
    expect(lint(await sample(`${what.replaceAll(" ", "")}.ts`, text)).problems).toEqual([expect.stringContaining("complexity of 1")]);
  });
});
