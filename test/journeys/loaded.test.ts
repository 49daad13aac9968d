/**
 * What the executable loads before a command begins its work: the parts of the build that are reached without a further
 * `import()`, and the files in them. Of each command all that is heavy is named here; whoever adds to that, adds to the
 * time in which every use of the command starts.
 */
import { beforeAll, expect, test } from "bun:test";
import { basename, join } from "node:path";
import { commands } from "../../src/cli/commands.ts";
import { projectDir, temporaryDir } from "../fixtures/program.ts";

interface Part {
  /** A room's door that only leads on has no bytes in any part, and stands wherever the bundler likes. */
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
  readonly imports: readonly { readonly path: string; readonly kind: string }[];
}

const parts = new Map<string, Part>();
beforeAll(async () => {
  await using out = await temporaryDir();
  const built = await Bun.build({ entrypoints: [join(projectDir, "src", "main.ts")], outdir: out.path, target: "bun", splitting: true, minify: true, metafile: true, naming: { chunk: "[name]-[hash].[ext]" } });
  for (const [path, part] of Object.entries((built.metafile as unknown as { readonly outputs: Readonly<Record<string, Part>> }).outputs)) parts.set(basename(path), part);
}, 60_000);

/** The files behind a command: its own, and those of the way to it. */
function loadedFor(...files: readonly string[]): string[] {
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

const fileOf = (load: () => Promise<unknown>): string => `src/cli/${/import\(["']\.\/(\w+\.ts)["']\)/u.exec(load.toString())?.[1]}`;

/** What is heavy, by what it is for. */
const families: Readonly<Record<string, RegExp>> = {
  proxy: /^(src\/(auth|backend|compose|era|front|hub)\/|hono|jose|consola)/u,
  schema: /^valibot/u,
  editing: /^src\/config\/(edit|jsonc)\.ts$/u,
  apps: /^src\/config\/(appFiles|applications)\.ts$/u,
  search: /^src\/catalog\/(?!index|filter|rules)/u,
  tokenizer: /^js-tiktoken/u,
  formats: /^(yaml|toml-eslint-parser)/u,
  sdk: /^(@modelcontextprotocol|zod)/u,
};

const heavyIn = (loaded: readonly string[]): string => Object.keys(families).filter((name) => loaded.some((path) => families[name]?.test(path))).join(" ");

const ownFiles = ({ load }: Pick<(typeof commands)[number], "load">): readonly string[] => ["src/main.ts", "src/cli/dispatch.ts", fileOf(load)];

test("each command loads what it is for, and nothing that is heavy beside that", () => {
  expect(Object.fromEntries(commands.map((command) => [command.words.join(" "), heavyIn(loadedFor(...ownFiles(command)))]))).toMatchInlineSnapshot(`
    {
      "app backups": "schema editing apps",
      "app connect": "schema editing apps",
      "app consolidate": "schema editing apps",
      "app disconnect": "schema editing apps",
      "app discover": "schema editing apps",
      "app list": "schema editing apps",
      "app restore": "schema editing apps",
      "approve": "",
      "audit": "schema",
      "audit verify": "schema",
      "auth grants": "",
      "auth login": "",
      "auth logout": "",
      "auth password": "",
      "auth pin": "",
      "auth pins": "",
      "auth revoke": "",
      "auth status": "",
      "auth unpin": "",
      "completion": "",
      "config backup": "schema editing",
      "config backups": "schema editing",
      "config check": "schema",
      "config diff": "schema editing",
      "config edit": "schema editing",
      "config reload": "schema",
      "config restore": "schema editing",
      "config schema": "schema",
      "demo": "sdk",
      "doctor": "schema editing",
      "explain": "",
      "inspect": "proxy schema search",
      "instructions": "proxy schema search",
      "mcp add": "schema editing",
      "mcp disable": "schema editing",
      "mcp enable": "schema editing",
      "mcp list": "",
      "mcp logs": "",
      "mcp pins": "",
      "mcp remove": "schema editing",
      "mcp restart": "",
      "mcp status": "",
      "mcp tokens": "search",
      "mcp tools": "schema editing",
      "mcp tools allow": "schema editing",
      "mcp tools deny": "schema editing",
      "mcp tools disable": "schema editing",
      "mcp tools enable": "schema editing",
      "mcp tools forget": "schema editing",
      "mcp trust": "",
      "mcp uninstall": "schema editing",
      "mcp update": "schema editing",
      "open": "",
      "preset create": "schema editing search",
      "preset delete": "schema editing search",
      "preset edit": "schema editing search",
      "preset list": "schema editing search",
      "preset show": "schema editing search",
      "preset test": "schema editing search",
      "preset url": "schema editing search",
      "proxy": "proxy schema search",
      "run": "proxy schema search",
      "serve": "",
      "service print": "",
      "status": "",
      "supervise": "",
      "token create": "search",
      "token list": "search",
      "token revoke": "search",
      "token rotate": "search",
      "version": "",
      "wait": "proxy schema search",
      "watchdog": "",
    }
  `);
});

test("what prints a failure is light", () => {
  expect(heavyIn(loadedFor("src/main.ts", "src/cli/dispatch.ts", "src/cli/failed.ts"))).toBe("");
});

test("listing servers loads no schema, no server and no protocol", () => {
  const loaded = loadedFor("src/main.ts", "src/cli/dispatch.ts", "src/cli/serverList.ts");
  expect(loaded).toContain("src/cli/serverList.ts");
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

test("the version loads next to nothing", () => {
  expect(loadedFor("src/main.ts")).toMatchInlineSnapshot(`
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
