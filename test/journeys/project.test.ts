/** A client in a project's folder: the project's templates run beside the bridge, filled in byte for byte, and nobody else learns of the project. */
import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AnyClient } from "../fixtures/clients.ts";
import { connectPiped, startServer } from "../fixtures/piped.ts";
import { projectDir, temporaryDir } from "../fixtures/program.ts";

const teller = join(projectDir, "test", "fixtures", "tellBackend.ts");
const odd = "O'Brien & co $(id) `x` \"q\" ${HOME} {{user.name}} \\ é🙂";

interface Told {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly told: string | null;
  readonly env: Record<string, string>;
  readonly heard: readonly string[];
}

async function placeOf(config: object, rc: object | null) {
  const { path: root, [Symbol.asyncDispose]: gone } = await temporaryDir();
  await chmod(root, 0o700);
  const project = join(root, "O'Brien & co $(id)");
  await mkdir(join(project, "deep", "er"), { recursive: true });
  const path = join(root, "mcp.json");
  await writeFile(path, JSON.stringify(config));
  if (rc !== null) await writeFile(join(project, ".1mcprc"), `// the project's\n${JSON.stringify(rc)}`);
  const where = { dir: join(project, "deep", "er"), env: { HOME: root, APP_STAGE: "blue", OTHER: "not passed on" } };
  const stateDir = join(root, "state");
  return { root, project, where, path, stateDir, serve: () => startServer(stateDir, ["--config", path], { dir: root }), args: ["proxy", "--state-dir", stateDir, "--config", path], [Symbol.asyncDispose]: gone };
}

const tell = async (client: AnyClient, name: string): Promise<Told> => JSON.parse((await client.callTool({ name, arguments: {} })).content[0]?.text ?? "") as Told;
const plain = { command: process.execPath, args: [teller, "{{project.path}}"], tags: ["a"] };
const filled = { command: process.execPath, args: [teller, "{{project.path}}/x", "{{project.custom.odd}}", "${HOME}|{{environment.variables.APP_STAGE}}", '{{#if (eq project.environment "production")}}--prod{{else}}--dev{{/if}}', "{{user.name}}"], cwd: "{{project.path}}", env: { TOLD: "{{project.custom.odd}}" }, tags: ["b"] };
const rc = { context: { environment: "production", custom: { odd }, envPrefixes: ["APP_"] } };

describe("a template", () => {
  test.each(["v1", "v2 modern"] as const)("reaches its process byte for byte, and a project's context nobody else (%s)", async (mode) => {
    await using place = await placeOf({ mcpServers: { plain }, mcpTemplates: { own: filled } }, rc);
    await using _server = await place.serve();
    await using client = await connectPiped(mode, place.args, place.where);
    const own = await tell(client, "own__tell");
    expect(own.argv).toEqual([`${place.project}/x`, odd, `${place.root}|blue`, "--prod", own.argv[4] ?? ""]);
    expect([own.cwd, own.told, own.argv[4]]).toEqual([place.project, odd, expect.stringMatching(/^\w+$/) as string]);
    expect(own.env["OTHER"]).toBeUndefined();
    // A template's words mean nothing in an entry that is none, and nothing of the project comes there.
    const other = await tell(client, "plain__tell");
    expect(other.argv).toEqual(["{{project.path}}"]);
    expect(JSON.stringify([other.heard, other.env, other.cwd])).not.toContain("O'Brien");
    // Nor into what is said to the one that asked, beside what it asked for.
    expect(JSON.stringify(own.heard)).not.toContain("O'Brien");
  });

  test("that needs what the project does not have stays out, and the others go on", async () => {
    await using place = await placeOf({ mcpServers: { plain }, mcpTemplates: { own: filled, good: { command: process.execPath, args: [teller, "{{project.name}}"] } } }, null);
    await using _server = await place.serve();
    await using client = await connectPiped("v2 modern", place.args, place.where);
    expect((await tell(client, "good__tell")).argv).toEqual(["er"]);
    expect((await tell(client, "plain__tell")).argv).toEqual(["{{project.path}}"]);
    await expect(tell(client, "own__tell")).rejects.toThrow();
  });
});

describe("a project's selection", () => {
  test.each([
    [{ tags: "b" }, [], ["own__tell"]],
    [{ tags: ["a"] }, [], ["plain__tell"]],
    [{ filter: "!a" }, [], ["own__tell"]],
    [{ preset: "mine", filter: "b" }, [], ["plain__tell"]],
    [{ filter: "b" }, ["--tags", "a"], ["plain__tell"]],
  ])("%j with %j on the command line shows %j", async (selection, typed, expected) => {
    await using place = await placeOf({ mcpServers: { plain }, mcpTemplates: { own: filled }, presets: { mine: { filter: "a" } } }, { ...rc, ...selection });
    await using _server = await place.serve();
    await using client = await connectPiped("v2 modern", [...place.args, ...typed], place.where);
    expect((await client.listTools()).tools.map(({ name }: { readonly name: string }) => name).toSorted()).toEqual(expected);
  });
});
