import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourcesOf } from "./rules/rule.ts";
import { readTree, top } from "./tree.ts";

// Bun's table names only files that something loaded. A file that no test loads would be missing from it, not at zero.
describe("every source file is loaded, so that its coverage is counted", async () => {
  const paths = sourcesOf(await readTree()).map(([path]) => path);

  // src/main.ts runs the program when it is loaded; the journeys run it as a process of its own.
  test.each(paths.filter((path) => path !== "src/main.ts"))("%s loads without doing anything", async (path) => {
    expect(await import(join(top, path))).toBeObject();
  });
});

describe("the coverage gate", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coverage-"));
    await copyFile(join(top, "bunfig.toml"), join(folder, "bunfig.toml"));
    await writeFile(join(folder, "package.json"), "{}");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // Ten full files beside the sample: the gate must hold for each file, not for the average.
  const run = async (sample: string): Promise<{ readonly exitCode: number; readonly output: string }> => {
    const full = Array.from({ length: 10 }, (_, n) => `f${n}`);
    await Promise.all(full.map((name) => writeFile(join(folder, `${name}.ts`), `export const ${name} = () => 1;\n`)));
    await writeFile(join(folder, "sample.ts"), sample);
    await writeFile(
      join(folder, "sample.test.ts"),
      `import { expect, test } from "bun:test";\nimport { a } from "./sample.ts";\n${full.map((name) => `import { ${name} } from "./${name}.ts";`).join("\n")}
test("runs", () => { expect(a(1) + ${full.map((name) => `${name}()`).join(" + ")}).toBe(11); });\n`,
    );
    const child = Bun.spawnSync([process.execPath, "test", "--coverage"], { cwd: folder, env: { ...process.env, NO_COLOR: "1" } });
    return { exitCode: child.exitCode, output: child.stderr.toString() + child.stdout.toString() };
  };

  test("passes what is covered", async () => {
    const { exitCode, output } = await run("export function a(x) {\n  return x;\n}\n");
    expect(output).toContain(" 1 pass");
    expect(exitCode).toBe(0);
  });

  test("fails for a file with a function that nobody calls, though every test passes", async () => {
    const { exitCode, output } = await run("export function a(x) {\n  return x;\n}\nexport function b(x) {\n  return x;\n}\n");
    expect(output).toContain(" 1 pass");
    expect(output).toContain(" 0 fail");
    expect(exitCode).toBe(1);
  });

  test("fails for a file with lines that nobody reaches, though every function is called", async () => {
    const lines = Array.from({ length: 10 }, (_, n) => `    x += ${n};`).join("\n");
    const { exitCode, output } = await run(`export function a(x) {\n  if (x > 1) {\n${lines}\n  }\n  return x;\n}\n`);
    expect(output).toContain(" 0 fail");
    expect(exitCode).toBe(1);
  });
});
