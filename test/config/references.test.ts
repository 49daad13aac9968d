import { expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { fixedBounds, reveal } from "../../src/base/index.ts";
import { loadConfig, type StdioSpec } from "../../src/config/index.ts";
import { keyOf, readReferences, withFiles } from "../../src/config/references.ts";
import { createFolder } from "../fixtures/folder.ts";
import { asNobody } from "../fixtures/nobody.ts";

async function loadedIn(folder: { at(name: string): string }, config: object, env: Record<string, string> = {}) {
  await writeFile(folder.at("mcp.json"), JSON.stringify(config), { mode: 0o600 });
  const loaded = await loadConfig({ path: folder.at("mcp.json"), env });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.issues));
  return loaded;
}

test("a value is taken from a variable, a file or the service manager's credentials, and is a secret", async () => {
  await using folder = await createFolder();
  await mkdir(folder.at("creds"));
  await writeFile(folder.at("token"), "from-file\r\n");
  await writeFile(folder.at("creds/key.pem"), "from-cred\n\n");
  const env = { A: { $env: "GIVEN" }, B: { $file: "token" }, C: { $cred: "key.pem" }, D: "plain" };
  const { config, warnings } = await loadedIn(folder, { mcpServers: { a: { command: "x", args: [{ $file: folder.at("token") }], env }, b: { url: "http://127.0.0.1/", headers: { "X-Key": { $file: "token" } } } } }, { GIVEN: "from-env", CREDENTIALS_DIRECTORY: folder.at("creds") });
  const [program, remote] = config.backends as [StdioSpec, (typeof config.backends)[number]];
  expect(Object.values(program.env).map(reveal)).toEqual(["from-env", "from-file", "from-cred\n", "plain"]);
  expect(program.args.map(reveal)).toEqual(["from-file"]);
  expect([warnings, JSON.stringify(config).includes("from-")]).toEqual([[], false]);
  expect(program.secrets.map(reveal)).toEqual(["from-file", "from-env", "from-cred\n"]);
  expect(remote?.secrets.map(reveal)).toEqual(["from-file"]);
});

test("what cannot be read puts out the server that refers to it, and no other", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("large"), "x".repeat(fixedBounds.secretFileBytesMax + 1));
  await writeFile(folder.at("nul"), "a\0b");
  const wanted: Record<string, object> = { none: { $file: "none" }, folder: { $file: "." }, large: { $file: "large" }, nul: { $file: "nul" }, cred: { $cred: "x" }, dots: { $cred: ".." }, variable: { $env: "NONE" }, chain: { $keychain: "1mcp-test/none" } };
  const mcpServers = { ...Object.fromEntries(Object.entries(wanted).map(([name, reference]) => [name, { command: "x", env: { A: reference } }])), fine: { command: "x" } };
  const { config } = await loadedIn(folder, { mcpServers });
  const said = Object.fromEntries(config.backends.map(({ name, issue }) => [name, issue?.message.replaceAll(folder.path, "") ?? null]));
  expect(said).toMatchObject({
    none: "“A” needs the file /none, which cannot be read (ENOENT)",
    folder: "“A” needs the file , which is no file",
    large: `“A” needs the file /large, which is larger than ${fixedBounds.secretFileBytesMax} bytes`,
    nul: "“A” leads to a control character that is not allowed here",
    cred: "“A” needs credentials of a service manager, which gave none (CREDENTIALS_DIRECTORY is not set)",
    variable: "“A” needs the variable NONE, which is not set",
    fine: null,
  });
  expect(said["dots"]).not.toBeNull();
  expect(said["chain"]).toMatch(/keychain/);
});

test("the hash changes with what is referred to", async () => {
  await using folder = await createFolder();
  const config = { mcpServers: { a: { command: "x", env: { A: { $file: "token" } } } } };
  await writeFile(folder.at("token"), "one");
  const { hash } = await loadedIn(folder, config);
  expect((await loadedIn(folder, config)).hash).toBe(hash);
  await writeFile(folder.at("token"), "two");
  expect((await loadedIn(folder, config)).hash).not.toBe(hash);
});

test("a variable that is not set is read from the file that NAME_FILE names, if it is asked for", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("a"), "from-file\n");
  const mcpServers = { a: { command: "x", env: { ONE: "${TOKEN}", TWO: { $env: "KEY" }, THREE: "${SET}", FOUR: "${GONE:-x}" } }, b: { command: "x", env: ["LISTED"] } };
  const env = { TOKEN_FILE: folder.at("a"), KEY_FILE: folder.at("a"), SET: "set", SET_FILE: folder.at("a"), GONE_FILE: folder.at("gone"), LISTED_FILE: folder.at("a"), UNASKED_FILE: folder.at("gone") };
  const { config, warnings } = await loadedIn(folder, { mcpServers }, env);
  const [a, b] = config.backends as [StdioSpec, StdioSpec];
  expect(Object.values(a.env).map(reveal)).toEqual(["from-file", "from-file", "set", "x"]);
  expect(Object.values(b.env).map(reveal)).toEqual(["from-file"]);
  expect(warnings.map(({ message }) => message.replaceAll(folder.path, ""))).toEqual(["the variable GONE needs the file /gone, which cannot be read (ENOENT) (named by GONE_FILE)"]);
  expect((await withFiles("${NOTHING}", new Map([["NOTHING_FILE", ""]]))).variables.size).toBe(1);
});

test("a reference is told from another by what it names, and what is no reference is not read", async () => {
  expect(keyOf({ $file: "a" })).not.toBe(keyOf({ $cred: "a" }));
  expect((await readReferences([{ $file: 1 }, { $other: "x" }, { $file: "a", more: "b" }, null], { folder: "/", variables: new Map() })).size).toBe(0);
});

test("a file that we may not read says so", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("token"), "x");
  await chmod(folder.at("token"), 0);
  await chmod(folder.path, 0o711);
  expect(await asNobody("config/references.ts", "readSecretFile", folder.at("token"))).toEqual({ problem: expect.stringContaining("EACCES") });
});
