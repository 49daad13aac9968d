import { describe, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { fixedBounds, reveal } from "../../src/base/index.ts";
import { loadConfig, type RemoteSpec, type StdioSpec } from "../../src/config/index.ts";
import { fromKeychain, type KeychainOptions } from "../../src/config/keychain.ts";
import { createFolder } from "../fixtures/folder.ts";
import { installSecretTool } from "../fixtures/secretTool.ts";

const linux = (env: Readonly<Record<string, string>>, more: Partial<KeychainOptions> = {}): KeychainOptions => ({ variables: new Map(Object.entries(env)), platform: "linux", ...more });

describe("on Linux the keychain", () => {
  test("gives a secret as it was stored, asked for by names alone, and sees nothing of ours but what finds it", async () => {
    await using folder = await createFolder();
    const tool = await installSecretTool(folder.path);
    await tool.store("1mcp", "git hub", "s3cret with\nlines");
    expect(await fromKeychain("1mcp/git hub", linux({ ...tool.env, API_TOKEN: "other-secret" }))).toEqual({ value: "s3cret with\nlines" });
    expect(await tool.asked()).toEqual(["lookup service 1mcp account git hub"]);
    expect((await tool.environment()).includes("other-secret")).toBe(false);
  });

  test("that has no such entry, is not there at all, or is locked, says which", async () => {
    await using folder = await createFolder();
    const tool = await installSecretTool(folder.path);
    const { DBUS_SESSION_BUS_ADDRESS: _, ...noBus } = tool.env;
    expect(await fromKeychain("1mcp/none", linux(tool.env))).toEqual({ problem: "needs the keychain's entry 1mcp/none, which does not exist" });
    expect(await fromKeychain("1mcp/none", linux(noBus))).toEqual({ problem: "needs the keychain's entry 1mcp/none, which cannot be read (secret-tool: Cannot autolaunch D-Bus without X11 $DISPLAY)" });
    await tool.lock();
    expect(await fromKeychain("1mcp/none", linux(tool.env, { msMax: 50 }))).toEqual({ problem: "needs the keychain's entry 1mcp/none, and secret-tool did not answer in time: the keychain is locked, maybe" });
  });

  test("without its tool is read by the runtime, which tells what is missing", async () => {
    const found = await fromKeychain("1mcp-test/none", linux({ PATH: "/nowhere" }));
    expect("problem" in found ? found.problem : "").toMatch(/keychain.*(does not exist|secret-tool is not on the PATH)/);
  });

  test("gives no more than a secret may have", async () => {
    await using folder = await createFolder();
    const tool = await installSecretTool(folder.path);
    await tool.store("1mcp", "large", "x".repeat(fixedBounds.secretFileBytesMax + 1));
    expect(await fromKeychain("1mcp/large", linux(tool.env))).toEqual({ problem: `needs the keychain's entry 1mcp/large, which is larger than ${fixedBounds.secretFileBytesMax} bytes` });
  });

  test("is not asked for what its tool would take for something else", async () => {
    await using folder = await createFolder();
    const tool = await installSecretTool(folder.path);
    for (const entry of ["--unlock/x", "x/-y", "x", "/y", "a\0b/c"]) expect([entry, "problem" in (await fromKeychain(entry, linux(tool.env)))]).toEqual([entry, true]);
    expect(await tool.asked()).toEqual([]);
  });
});

test("on macOS its own tool is asked, and elsewhere the runtime", async () => {
  await using folder = await createFolder();
  const bin = folder.at("bin");
  await mkdir(bin);
  await writeFile(`${bin}/security`, '#!/bin/sh\n[ "$*" = "find-generic-password -s 1mcp -a github -w" ] && echo s3cret && exit 0\necho "security: The specified item could not be found in the keychain." >&2\nexit 44\n', { mode: 0o755 });
  const mac: KeychainOptions = { variables: new Map([["PATH", `${bin}:/bin:/usr/bin`]]), platform: "darwin" };
  expect(await fromKeychain("1mcp/github", mac)).toEqual({ value: "s3cret" });
  expect(await fromKeychain("1mcp/other", mac)).toEqual({ problem: "needs the keychain's entry 1mcp/other, which does not exist" });
  const elsewhere = await fromKeychain("1mcp-test/none", { ...mac, platform: "aix" });
  expect("problem" in elsewhere ? elsewhere.problem : "").toContain("keychain");
});

test.if(process.platform === "linux")("a server, and its login, get their secrets from there; one that is switched off asks for nothing", async () => {
  await using folder = await createFolder();
  const tool = await installSecretTool(folder.path);
  await tool.store("1mcp", "token", "from-keychain");
  const value = { $keychain: "1mcp/token" };
  const mcpServers = {
    program: { command: "x", env: { TOKEN: value } },
    remote: { url: "https://mcp.example/mcp", headers: { "X-Key": value } },
    login: { url: "https://mcp.example/mcp", oauth: { clientId: "me", clientSecret: value } },
    signed: { url: "https://mcp.example/mcp", oauth: { clientId: "me", privateKey: { $file: "none" } } },
    off: { command: "x", disabled: true, env: { TOKEN: { $keychain: "1mcp/off" } } },
    lost: { command: "x", env: { TOKEN: { $keychain: "1mcp/lost" } } },
  };
  await writeFile(folder.at("mcp.json"), JSON.stringify({ mcpServers }), { mode: 0o600 });
  const loaded = await loadConfig({ path: folder.at("mcp.json"), env: tool.env });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.issues));
  const [program, remote, login, signed, , lost] = loaded.config.backends as [StdioSpec, RemoteSpec, RemoteSpec, RemoteSpec, StdioSpec, StdioSpec];
  expect([program.env["TOKEN"], remote.headers["X-Key"], login.oauth?.clientSecret].map((secret) => reveal(secret ?? ""))).toEqual(["from-keychain", "from-keychain", "from-keychain"]);
  for (const { secrets } of [program, remote, login]) expect(secrets.map(reveal)).toContain("from-keychain");
  expect([program.issue, login.issue, signed.issue?.message, lost.issue?.message]).toEqual([null, null, expect.stringContaining("which cannot be read (ENOENT)"), "“TOKEN” needs the keychain's entry 1mcp/lost, which does not exist"]);
  expect((await tool.asked()).toSorted()).toEqual(["lookup service 1mcp account lost", "lookup service 1mcp account token"]);
  expect(JSON.stringify(loaded)).not.toContain("from-keychain");
});

test.if(process.platform === "linux")("templates ask for nothing where none runs, and where they run, nobody else does", async () => {
  await using folder = await createFolder();
  const tool = await installSecretTool(folder.path);
  const needing = (name: string, more: object = {}) => ({ command: "x", env: { TOKEN: { $keychain: `1mcp/${name}` } }, ...more });
  await writeFile(folder.at("mcp.json"), JSON.stringify({ mcpServers: { a: needing("server") }, mcpTemplates: { t: needing("template"), off: needing("off", { disabled: true }) } }), { mode: 0o600 });
  await loadConfig({ path: folder.at("mcp.json"), env: tool.env });
  expect(await tool.asked()).toEqual(["lookup service 1mcp account server"]);
  await loadConfig({ path: folder.at("mcp.json"), env: tool.env, context: { project: { name: "p" } } });
  expect((await tool.asked()).slice(1)).toEqual(["lookup service 1mcp account template"]);
});
