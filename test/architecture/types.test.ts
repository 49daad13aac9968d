import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { top } from "./tree.ts";

// That the house itself passes is the next step of `bun run check`: compiling all of it is no matter of a unit test.

/** What the compiler says, by the settings of the repository. */
function compile(...args: string[]): { readonly exitCode: number; readonly problems: readonly string[] } {
  const run = Bun.spawnSync([process.execPath, join(top, "node_modules", ".bin", "tsc"), "--noEmit", "--pretty", "false", ...args], { cwd: top });
  return { exitCode: run.exitCode, problems: run.stdout.toString().split("\n").filter((line) => line !== "") };
}

test.each([
  ["a missing element", "export const f = (list: readonly string[]): string => list[0];\n", "TS2322"],
  ["undefined for an absent member", "export const f = (): { a?: string } => ({ a: undefined });\n", "TS2375"],
  ["an enum", "export enum A { B }\n", "TS1294"],
  ["an unused variable", "export const f = (): void => { const a = 1; };\n", "TS6133"],
  ["a type imported as a value", 'import { Log } from "../../src/base/log.ts";\nexport const f = (log: Log): void => log.info("");\n', "TS1484"],
])("the settings are strict: %s is refused", async (_what, text, code) => {
  // In coverage/: below the top, so that modules and types are found, and seen by none of the other tests.
  await mkdir(join(top, "coverage"), { recursive: true });
  const folder = await mkdtemp(join(top, "coverage", "sample-"));
  try {
    await writeFile(join(folder, "sample.ts"), text);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ extends: join(top, "tsconfig.json"), include: ["sample.ts"] }));
    const { exitCode, problems } = compile("-p", folder);
    expect(exitCode).not.toBe(0);
    expect(problems.join("\n")).toContain(code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
