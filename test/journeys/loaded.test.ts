/**
 * What the executable loads before a command that must be quick has said its word: the parts of the build that are
 * reached without a further `import()`, and the files in them.
 */
import { expect, test } from "bun:test";
import { basename, join } from "node:path";
import { projectDir, temporaryDir } from "../fixtures/program.ts";

interface Part {
  /** A room's door that only leads on has no bytes in any part, and stands wherever the bundler likes. */
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
  readonly imports: readonly { readonly path: string; readonly kind: string }[];
}

/** The files behind a command: its own, and those of the way to it. */
async function loadedFor(...files: readonly string[]): Promise<string[]> {
  await using out = await temporaryDir();
  const built = await Bun.build({ entrypoints: [join(projectDir, "src", "main.ts")], outdir: out.path, target: "bun", splitting: true, minify: true, metafile: true, naming: { chunk: "[name]-[hash].[ext]" } });
  const parts = new Map(Object.entries((built.metafile as unknown as { readonly outputs: Readonly<Record<string, Part>> }).outputs).map(([path, part]) => [basename(path), part]));
  const reached = new Set<string>();
  const reach = (name: string): void => {
    const part = parts.get(name);
    if (part === undefined || reached.has(name)) return;
    reached.add(name);
    for (const { path, kind } of part.imports) if (kind !== "dynamic-import") reach(basename(path));
  };
  for (const [name, { inputs }] of parts) if (Object.keys(inputs).some((input) => files.some((file) => input.endsWith(file)))) reach(name);
  return [...new Set([...reached].flatMap((name) => Object.entries(parts.get(name)?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) => (bytesInOutput === 0 ? [] : [path]))))].map((path) => path.replace(/^.*node_modules\//u, "").replace(/^(?:\.\.\/)*.*?src\//u, "src/")).sort();
}

test("listing servers loads no schema, no server and no protocol", async () => {
  const loaded = await loadedFor("src/main.ts", "src/cli/dispatch.ts", "src/cli/serverList.ts");
  expect(loaded).toContain("src/cli/serverList.ts");
  expect(loaded).toContain("src/config/document.ts");
  expect(loaded.filter((path) => /^(valibot|hono|jose|consola|@modelcontextprotocol|ipaddr|src\/(auth|backend|catalog|era|front|hub|protocol|compose))/u.test(path))).toEqual([]);
  expect(loaded.filter((path) => path.startsWith("src/config/"))).toMatchInlineSnapshot(`
    [
      "src/config/content.ts",
      "src/config/document.ts",
      "src/config/env.ts",
      "src/config/paths.ts",
      "src/config/secrets.ts",
    ]
  `);
});

test("the version loads next to nothing", async () => {
  expect(await loadedFor("src/main.ts")).toMatchInlineSnapshot(`
    [
      "package.json",
      "src/cli/commands.ts",
      "src/cli/run.ts",
      "src/cli/terminal.ts",
      "src/cli/version.ts",
      "src/main.ts",
    ]
  `);
});
