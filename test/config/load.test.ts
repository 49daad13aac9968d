import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { defaultLimits, fixedBounds, reveal } from "../../src/base/index.ts";
import { bridgeConfig, bridgedName, demoConfig, emptyConfig, loadConfig, type Loaded, type RemoteSpec } from "../../src/config/index.ts";
import { parseConfig } from "../../src/config/load.ts";
import { configIn, read } from "../fixtures/config.ts";
import { createFolder } from "../fixtures/folder.ts";
import { asNobody } from "../fixtures/nobody.ts";

const problem = (loaded: Loaded): string | undefined => (loaded.ok ? undefined : loaded.issues[0]?.message);

test("a file is read with the variables of the environment and of .env", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), '\uFEFF{ // mine\n "mcpServers": { "a": { "command": "${P}", "args": ["${Q}"] } },\n}');
  await writeFile(folder.at(".env"), "P=from-file\nQ=q\n");
  const loaded = await loadConfig({ path: folder.at("mcp.json"), env: { P: "from-env" } });
  if (!loaded.ok) throw new Error("refused");
  expect(loaded.config.path).toBe(folder.at("mcp.json"));
  expect(loaded.config.backends[0]).toMatchObject({ command: "from-env", issue: null });
  expect(loaded.warnings).toEqual([]);
});

test("the hash changes with the file and with .env, and with nothing else", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const hash = async () => (await loadConfig({ path, env: {} })).hash;
  await writeFile(path, "{}");
  const first = await hash();
  expect(await hash()).toBe(first);
  await writeFile(folder.at(".env"), "A=1");
  const second = await hash();
  await writeFile(path, "{ }");
  const third = await hash();
  await writeFile(path, "{");
  const fourth = await hash();
  expect(new Set([first, second, third, fourth]).size).toBe(4);
});

test("what cannot be read is an issue without a hash", async () => {
  await using folder = await createFolder();
  const missing = await loadConfig({ path: folder.at("none.json"), env: {} });
  expect(missing).toEqual({ ok: false, hash: null, issues: [{ path: [], line: 0, column: 0, message: "the file does not exist", hint: null, server: null }] });
  expect(problem(await loadConfig({ path: folder.path, env: {} }))).toBe("this is a folder");
  await writeFile(folder.at("large.json"), " ".repeat(fixedBounds.configBytesMax + 1));
  expect(problem(await loadConfig({ path: folder.at("large.json"), env: {} }))).toBe("the file is larger than 4194304 bytes");
  await writeFile(folder.at("bytes.json"), new Uint8Array([0x7b, 0xff, 0x7d]));
  expect(problem(await loadConfig({ path: folder.at("bytes.json"), env: {} }))).toBe("the file is not UTF-8 text");
});

test("a file that we may not read says so", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  await chmod(folder.at("mcp.json"), 0);
  await chmod(folder.path, 0o711);
  expect(problem((await asNobody("config/load.ts", "loadConfig", { path: folder.at("mcp.json"), env: {} })) as Loaded)).toBe("the file may not be read by this user");
});

test("a .env that cannot be read is a warning", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("mcp.json"), "{}");
  await mkdir(folder.at(".env"));
  const loaded = await loadConfig({ path: folder.at("mcp.json"), env: {} });
  expect(loaded.ok && loaded.warnings.map((warning) => warning.message)).toEqual([".env is no file"]);
});

test("a secret that is written out in a file that others can read is a warning, without the secret", async () => {
  await using folder = await createFolder();
  const path = folder.at("mcp.json");
  const warningsOf = async (mode: number, token: string) => {
    await writeFile(path, JSON.stringify({ mcpServers: { a: { command: "x", env: { A_TOKEN: token } } } }));
    await chmod(path, mode);
    const loaded = await loadConfig({ path, env: { TOKEN: "from-outside" } });
    return loaded.ok ? loaded.warnings.map(({ message, hint }) => `${message} (${hint})`) : null;
  };
  const told = (mode: string) => [`holds a secret of the server “a”, and others can read or change the file (mode ${mode}) (chmod 600 it, or write \${VAR} or {"$file": …} in its place)`];
  expect(await warningsOf(0o644, 'literal"secret')).toEqual(told("644"));
  expect(await warningsOf(0o620, "literal-secret")).toEqual(told("620"));
  expect(await warningsOf(0o600, "literal-secret")).toEqual([]);
  expect(await warningsOf(0o644, "${TOKEN}")).toEqual([]);
  expect(await warningsOf(0o644, "env")).toEqual([]);
});

test("everything at the top arrives, and is frozen all the way down", () => {
  const config = configIn({
    $schema: "x",
    version: 1,
    names: { separator: "." },
    instructions: "Read this.",
    limits: { bodyBytesMax: 1024 },
    host: "::1",
    port: 0,
    publicUrl: "https://example.com/x",
    allowedHosts: ["box.lan:3050", "[::1]:3050"],
    allowedOrigins: ["https://app.example.com", "http://localhost:5173"],
    trustedProxies: ["10.0.0.0/8"],
    pageSize: 50,
    mcpServers: { b: { command: "x", env: { A: "1" } }, a: { url: "http://x/", headers: { A: "1" } } },
  });
  expect(config).toMatchObject({ names: { separator: "." }, instructions: "Read this.", host: "::1", port: 0, publicUrl: "https://example.com/x", pageSize: 50 });
  expect(config.limits).toEqual({ ...defaultLimits, bodyBytesMax: 1024 });
  expect(config.trustedProxies).toEqual(["10.0.0.0/8"]);
  expect(config.allowedHosts).toEqual(["box.lan:3050", "[::1]:3050"]);
  expect(config.backends.map((spec) => spec.name)).toEqual(["b", "a"]);
  const loose: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value) && value.constructor.name !== "Secret") loose.push(path);
    for (const [key, member] of Object.entries(value)) walk(member, `${path}.${key}`);
  };
  walk(config, "config");
  expect(loose).toEqual([]);
});

test("origins and hosts that could match more than was meant are refused", () => {
  for (const origin of ["https://a.example/", "https://a.example/path", "a.example", "null", "*", "file:///x"]) expect(read({ allowedOrigins: [origin] }).ok).toBeFalse();
  for (const host of ["*", "http://a", "a/b", "a b", ""]) expect(read({ allowedHosts: [host] }).ok).toBeFalse();
});

test("an empty object is a configuration without servers", () => {
  expect(configIn("{}")).toEqual({ ...emptyConfig(), path: "/etc/1mcp/mcp.json" });
  expect(emptyConfig()).toMatchObject({ path: null, backends: [], names: { separator: "__" }, port: null });
});

test("the demonstration has one server, started by exactly the given words", () => {
  const config = demoConfig(["/opt/${HOME}/1mcp", "demo", "$x"]);
  expect(config.path).toBeNull();
  expect(config.backends).toHaveLength(1);
  expect(config.backends[0]).toMatchObject({ name: "demo", kind: "stdio", command: "/opt/${HOME}/1mcp", disabled: false, issue: null, tags: ["demo"] });
  expect(JSON.stringify(config.backends[0])).toContain('"args":["demo","$x"]');
  expect(() => demoConfig([])).toThrow("at least one word");
});

describe("the configuration of a bridge", () => {
  const target = { url: "http://127.0.0.1:3050/mcp?a=${HOME}", token: "1mcp_secret-${X}", timeoutMs: 1234 };

  test("has one server, whose token is a secret, or none while none is known", () => {
    const { path, backends, limits } = bridgeConfig(target);
    expect([path, backends.length]).toEqual([null, 1]);
    const [spec] = backends;
    if (spec?.kind !== "remote") throw new Error("not remote");
    expect(spec).toMatchObject({ name: bridgedName, transport: "http", isolation: "session", isBridged: true, connectMs: 1234, issue: null });
    expect([spec.url.reveal(), reveal(spec.headers["Authorization"] ?? "")]).toEqual([target.url, `Bearer ${target.token}`]);
    expect(JSON.stringify(spec)).not.toContain("1mcp_secret");
    const none = bridgeConfig(null);
    expect([none.backends, none.limits]).toEqual([[], limits]);
    expect(Object.keys((bridgeConfig({ ...target, token: null }).backends[0] as RemoteSpec).headers)).toEqual([]);
  });

  test("is refused for what is no address", () => {
    for (const url of ["nonsense", "ftp://a/mcp", ""]) expect(() => bridgeConfig({ ...target, url })).toThrow("the URL of the server");
  });
});

describe("a template", () => {
  const text = JSON.stringify({ mcpServers: { plain: { command: "{{project.name}}" } }, mcpTemplates: { own: { command: "x", args: ["{{project.name}}", "$${V}{{project.name}}${V}"], env: { T: "{{project.name}}" } }, odd: { url: "http://h/{{nothing}}" } } });
  const load = (context?: object) => parseConfig({ text, path: "/c/mcp.json", variables: new Map([["V", "v"], ["HOME", "/wrong"]]), hash: "", ...(context === undefined ? {} : { context: context as Record<string, unknown> }) });
  const problems = (loaded: Loaded): string[] => (loaded.ok ? loaded.warnings.map(({ path, message }) => `${path.join(".")}: ${message}`) : []);

  test("is read and no more where there is no project; an entry that is none is meant as it stands", () => {
    const loaded = load();
    expect(loaded.ok && loaded.config.backends.map(({ name }) => name)).toEqual(["plain"]);
    expect(loaded.ok && loaded.config.backends[0]).toMatchObject({ command: "{{project.name}}" });
    expect(problems(loaded)).toEqual(["mcpTemplates.odd.url: “url” cannot be read at character 10: {{nothing}} is not one of the names that there are: project.…, user.…, environment.…, transport.…"]);
  });

  test("is filled in for a project, whose words are no references, and is out where it cannot be", () => {
    const loaded = load({ project: { name: "${HOME}$" } });
    const [, own, odd] = loaded.ok ? loaded.config.backends : [];
    expect(own?.kind === "stdio" && [own.isFilled, own.args.map(reveal), reveal(own.env["T"] ?? "")]).toEqual([true, ["${HOME}$", "${V}${HOME}$v"], "${HOME}$"]);
    expect([own?.issue, odd?.issue?.message]).toEqual([null, expect.stringContaining("cannot be read at character 10") as string]);
  });

  test("that names what the project does not have is out, with the name", () => {
    const loaded = load({});
    expect(problems(loaded)).toContain("mcpTemplates.own.args.0: “args” needs {{project.name}}, which this project does not have");
  });
});
