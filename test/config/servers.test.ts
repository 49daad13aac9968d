import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { reveal, Secret } from "../../src/base/index.ts";
import type { RemoteSpec, StdioSpec } from "../../src/config/index.ts";
import { configIn, read, serverIn } from "../fixtures/config.ts";

const stdio = (entry: object, variables?: Record<string, string>, more?: object) => serverIn(entry, variables, more) as StdioSpec;
const remote = (entry: object, variables?: Record<string, string>, more?: object) => serverIn(entry, variables, more) as RemoteSpec;
const shown = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("an entry as other tools write it becomes a spec with every default in place", () => {
  expect(shown(stdio({ command: "npx", args: ["-y", "thing"], env: { A: "1" } }))).toEqual({
    name: "one",
    kind: "stdio",
    command: "npx",
    args: ["-y", "thing"],
    env: { A: "1" },
    cwd: null,
    inheritParentEnv: false,
    sandbox: { level: "basic", required: false, read: [], write: [], bounds: { memoryBytes: null, cpuSeconds: null, processes: null, openFiles: 65_536, fileBytes: 2 ** 36 } },
    tags: [],
    disabled: false,
    era: "auto",
    isolation: "shared",
    prefix: null,
    disabledTools: [],
    tools: null,
    instructionOverride: null,
    connectMs: 60_000,
    requestMs: 60_000,
    methodMs: {},
    totalMs: 3_600_000,
    start: "eager",
    pin: "warn",
    hidden: false,
    idleMs: 600_000,
    maxInFlight: 1024,
    secrets: [],
    issue: null,
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const spec = remote({ url: "https://user:pw@example.com:8443/mcp?key=1", headers: { A: "b" } });
  expect(spec).toMatchObject({ kind: "remote", shownUrl: "https://example.com:8443/mcp", transport: "auto", headers: { A: "b" }, isolation: "principal" });
  expect(spec.url.reveal()).toBe("https://user:pw@example.com:8443/mcp?key=1");
});

test("the type says which transport", () => {
  const transportOf = (type?: string) => remote({ url: "http://x/", ...(type === undefined ? {} : { type }) }).transport;
  expect([transportOf(), transportOf("http"), transportOf("streamableHttp"), transportOf("sse")]).toEqual(["auto", "http", "http", "sse"]);
  expect(stdio({ type: "stdio", command: "x" }).kind).toBe("stdio");
});

test("everything an operator may set arrives", () => {
  const set = { tags: ["a"], disabled: true, prefix: "p", isolation: "session", era: "legacy", disabledTools: ["t"], instructionOverride: "" };
  expect(serverIn({ command: "x", ...set })).toMatchObject(set);
  expect(serverIn({ command: "x", start: "on-demand", idleTimeout: 5, maxInFlight: 7 })).toMatchObject({ start: "on-demand", idleMs: 5, maxInFlight: 7 });
});

test("when it is started, how long it is kept and how much it gets come from its entry, the defaults, or the limits, and restart nothing", () => {
  const usage = { start: "on-demand", idleTimeout: 5, maxInFlight: 7 };
  const seen = { start: "on-demand", idleMs: 5, maxInFlight: 7 };
  const plain = serverIn({ command: "x" }, {}, { limits: { idleStopMsMax: 3, pendingMax: 9 } });
  expect(plain).toMatchObject({ start: "eager", idleMs: 3, maxInFlight: 9 });
  expect([serverIn({ command: "x", pin: "block" }).pin, serverIn({ command: "x" }, {}, { serverDefaults: { pin: "off" } }).pin]).toEqual(["block", "off"]);
  expect(serverIn({ command: "x" }, {}, { serverDefaults: usage })).toMatchObject(seen);
  expect(serverIn({ command: "x", start: "eager", idleTimeout: 6, maxInFlight: 8 }, {}, { serverDefaults: usage })).toMatchObject({ start: "eager", idleMs: 6, maxInFlight: 8 });
  expect(serverIn({ command: "x", ...usage }).fingerprint).toBe(plain.fingerprint);
});

test("the audit log is where and as large as the file says, or as usual", () => {
  const usual = { file: "audit.log", bytesMax: 16 * 1024 * 1024, filesMax: 8, calls: true };
  expect(configIn({}).audit).toEqual(usual);
  expect(configIn({ limits: { auditFilesMax: 3 }, audit: { file: "", maxBytes: 65_536, calls: false } }).audit).toEqual({ file: null, bytesMax: 65_536, filesMax: 3, calls: false });
});

test("variables are put into command, args, env, cwd, url and headers, and what came from one is a secret", () => {
  const variables = { X: "v w", T: "tok", H: "host" };
  const one = stdio({ command: "${X}", args: ["a", "${X}", "${N:-d}"], env: { A: "${T}", B: "b" }, cwd: "/${H}" }, variables);
  expect(one).toMatchObject({ command: "v w", cwd: "/host", issue: null });
  expect(one.args.map(reveal)).toEqual(["a", "v w", "d"]);
  expect(one.args.map((arg) => arg instanceof Secret)).toEqual([false, true, true]);
  expect(one.env["A"]).toBeInstanceOf(Secret);
  expect(one.env["B"]).toBe("b");
  const two = remote({ url: "https://${H}/mcp?t=${T}", headers: { Authorization: "Bearer ${T}", Accept: "x" } }, variables);
  expect(two.url.reveal()).toBe("https://host/mcp?t=tok");
  expect(reveal(two.headers["Authorization"] ?? "")).toBe("Bearer tok");
  expect(two.headers["Authorization"]).toBeInstanceOf(Secret);
  expect(JSON.stringify([one, two])).not.toContain("tok");
});

test("a URL is shown without anything that a variable may have put into its path", () => {
  const shownOf = (url: string) => remote({ url }, { B: "https://h:1/secret/mcp?x", T: "secret", H: "h", P: "2" }).shownUrl;
  expect(shownOf("${B}")).toBe("https://h:1/…");
  expect(shownOf("https://h/${T}/mcp")).toBe("https://h/…");
  expect(shownOf("https://${H}:${P}/mcp#${T}")).toBe("https://h:2/mcp");
  expect(shownOf("https://h?${T}")).toBe("https://h/");
});

test("a missing variable puts out its server alone, with path and place", () => {
  const loaded = read(
    `{ "mcpServers": {
  "good": { "command": "x" },
  "bad": { "command": "\${NOPE}", "env": { "T": "\${TOKEN}", "U": "\${TOKEN}" }, "args": ["\${NOPE:-fine}"] },
  "off": { "command": "\${NOPE}", "disabled": true }
} }`,
  );
  if (!loaded.ok) throw new Error("refused");
  const [good, bad, off] = loaded.config.backends;
  expect(good?.issue).toBeNull();
  expect(bad?.issue).toMatchObject({
    server: "bad",
    path: ["mcpServers", "bad", "command"],
    line: 3,
    column: 23,
    message: "“command” needs the variable NOPE, which is not set",
    hint: "set it in the environment or in .env, or write ${NOPE:-default}",
  });
  expect(off?.issue?.server).toBe("off");
  expect(loaded.warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
    "3:23 “command” needs the variable NOPE, which is not set",
    "3:48 “T” needs the variable TOKEN, which is not set",
    "3:65 “U” needs the variable TOKEN, which is not set",
  ]);
});

test("values that no process or request can take put the server out", () => {
  const issueOf = (entry: object, variables: Record<string, string>) => serverIn(entry, variables).issue?.message;
  expect(issueOf({ command: "x", args: ["${V}"] }, { V: "a\0b" })).toBe("“args” holds a control character that is not allowed here");
  expect(issueOf({ url: "http://x", headers: { A: "${V}" } }, { V: "a\r\nEvil: 1" })).toBe("“A” holds a control character that is not allowed here");
  expect(issueOf({ url: "${V}" }, { V: "not a url" })).toBe("“url” is not an http or https URL");
  expect(issueOf({ url: "ftp://x/" }, {})).toBe("“url” is not an http or https URL");
  expect(issueOf({ command: "${V}" }, { V: "" })).toBe("“command” is empty once its variables are in place");
  expect(issueOf({ command: "x", args: ["${env:HOME}"] }, {})).toBe("“args” holds a ${ that begins no reference");
  expect(issueOf({ url: "http://x", headers: { A: "tab\tand é" } }, {})).toBeUndefined();
});

test("env may be a list, and a name alone takes our own value", () => {
  const spec = stdio({ command: "x", env: ["A=1=2", "HOME", "E="] }, { HOME: "/h" });
  expect(Object.entries(spec.env).map(([name, value]) => `${name}=${reveal(value)}`)).toEqual(["A=1=2", "HOME=/h", "E="]);
  expect(serverIn({ command: "x", env: ["NOPE"] }).issue?.path).toEqual(["mcpServers", "one", "env", 0]);
});

test("headers that frame a message or speak of it are refused", () => {
  for (const name of ["Host", "content-length", "Transfer-Encoding", "Connection", "Mcp-Name"]) {
    expect(serverIn({ url: "http://x", headers: { [name]: "x" } }).issue?.message).toBe(`“${name}” is set by the proxy itself`);
  }
});

test("defaults: env merges, headers are replaced, scalars fill gaps, and what has no meaning for a server is skipped", () => {
  const defaults = { env: { A: "d", B: "d" }, headers: { X: "d" }, inheritParentEnv: true, requestTimeout: 5, connectionTimeout: 6 };
  const { backends } = configIn({
    serverDefaults: defaults,
    mcpServers: {
      a: { command: "x", env: ["B=own"], requestTimeout: 7 },
      b: { command: "x", inheritParentEnv: false },
      c: { url: "http://x/" },
      d: { url: "http://x/", headers: { Y: "own" } },
    },
  });
  expect(backends[0]).toMatchObject({ env: { A: "d", B: "own" }, inheritParentEnv: true, requestMs: 7, connectMs: 6 });
  expect(backends[1]).toMatchObject({ inheritParentEnv: false, requestMs: 5 });
  expect(backends[2]).toMatchObject({ headers: { X: "d" } });
  expect((backends[3] as RemoteSpec).headers).toEqual({ Y: "own" });
  expect(backends[2]).not.toHaveProperty("env");
  expect(backends[0]).not.toHaveProperty("headers");
});

test("times of single methods add to those of the defaults, the nearer word counts, and nothing is a method by accident", () => {
  const { backends } = configIn({
    serverDefaults: { methodTimeouts: { "tools/call": 1, "prompts/get": 2 }, maxTotalTimeout: 9 },
    mcpServers: { a: { command: "x", methodTimeouts: { "tools/call": 3 } }, b: { command: "x", maxTotalTimeout: 8 }, c: { url: "http://x/", methodTimeouts: {} } },
  });
  expect(backends.map(({ methodMs, totalMs }) => [{ ...methodMs }, totalMs])).toEqual([
    [{ "tools/call": 3, "prompts/get": 2 }, 9],
    [{ "tools/call": 1, "prompts/get": 2 }, 8],
    [{ "tools/call": 1, "prompts/get": 2 }, 9],
  ]);
  expect(backends[0]?.methodMs["constructor"]).toBeUndefined();
});

test("a default that needs a missing variable puts out those that use it, and names its place", () => {
  const { backends } = configIn({ serverDefaults: { env: { T: "${NOPE}" } }, mcpServers: { a: { command: "x" }, b: { command: "x", env: { T: "own" } }, c: { url: "http://x/" } } });
  expect(backends.map((spec) => spec.issue?.path ?? null)).toEqual([["serverDefaults", "env", "T"], null, null]);
  expect(backends[0]?.issue?.server).toBe("a");
});

test("the deprecated time-out stands behind the new ones of its place, and is mentioned", () => {
  const loaded = read({
    serverDefaults: { timeout: 1, requestTimeout: 2 },
    limits: { readyMsMax: 9 },
    mcpServers: { a: { command: "x", timeout: 3 }, b: { command: "x", timeout: 3, connectionTimeout: 4 }, c: { command: "x" } },
  });
  if (!loaded.ok) throw new Error("refused");
  expect(loaded.config.backends.map(({ connectMs, requestMs }) => [connectMs, requestMs])).toEqual([
    [3, 3],
    [4, 3],
    [1, 2],
  ]);
  expect(loaded.warnings.map(({ path, message, server }) => [path.join("."), message, server])).toEqual([
    ["serverDefaults.timeout", "“timeout” is deprecated", null],
    ["mcpServers.a.timeout", "“timeout” is deprecated", null],
    ["mcpServers.b.timeout", "“timeout” is deprecated", null],
  ]);
});

test("a time-out that can only have been meant in seconds, as other products have it, is told with what to write", () => {
  const loaded = read({ serverDefaults: { timeout: 999 }, mcpServers: { a: { command: "x", timeout: 60 }, b: { url: "http://x/", timeout: 1000 } } });
  if (!loaded.ok) throw new Error("refused");
  expect(loaded.warnings.map(({ path, hint }) => [path.join("."), hint])).toEqual([
    ["serverDefaults.timeout", expect.stringContaining("999 of these are too few for most servers: write 999000 where seconds were meant") as string],
    ["mcpServers.a.timeout", "use connectionTimeout and requestTimeout, in milliseconds; 60 of these are too few for most servers: write 60000 where seconds were meant"],
    ["mcpServers.b.timeout", "use connectionTimeout and requestTimeout, in milliseconds"],
  ]);
  expect(loaded.config.backends.map(({ connectMs }) => connectMs)).toEqual([60, 1000]);
});

test("a relative working folder starts at the configuration's folder", () => {
  expect(stdio({ command: "x", cwd: "tools/${D}" }, { D: "a" }).cwd).toBe("/etc/1mcp/tools/a");
  expect(stdio({ command: "x", cwd: "/abs" }).cwd).toBe("/abs");
});

test("the fingerprint is that of what reaches the process: nothing else changes it", () => {
  const base = { command: "x", args: ["a"], env: { A: "1", B: "2" } };
  const of = (entry: object, variables?: Record<string, string>) => serverIn(entry, variables).fingerprint;
  const same = [{ tags: ["t"] }, { prefix: "p" }, { disabledTools: ["d"] }, { instructionOverride: "i" }, { requestTimeout: 9 }, { env: { B: "2", A: "1" } }, { disabled: true }];
  for (const more of same) expect(of({ ...base, ...more })).toBe(of(base));
  const other = [{ command: "y" }, { args: [] }, { env: { A: "1" } }, { cwd: "/" }, { era: "modern" }, { isolation: "session" }, { inheritParentEnv: true }, { sandbox: "fs" }];
  const all = new Set([of(base), ...other.map((more) => of({ ...base, ...more }))]);
  expect(all.size).toBe(other.length + 1);
  expect(of({ command: "x", args: ["${V}"] }, { V: "1" })).not.toBe(of({ command: "x", args: ["${V}"] }, { V: "2" }));
  expect(of({ url: "http://x/", headers: { A: "1" } })).not.toBe(of({ url: "http://x/", headers: { A: "2" } }));
});

test("an argument stays one argument whatever its variable holds", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }).filter((value) => !value.includes("\0")), { maxLength: 5 }), (values) => {
      const variables = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
      const spec = stdio({ command: "x", args: values.map((_, index) => `\${V${index}}`) }, variables);
      expect(spec.args.map(reveal)).toEqual(values);
    }),
  );
});

describe("certificates of an https address", () => {
  const remote = (tls: object, url = "https://mcp.example/mcp") => configIn({ mcpServers: { a: { url, tls } } }).backends[0];
  const shown = (tls: object) => {
    const spec = remote(tls);
    return spec?.kind === "remote" && spec.certificates !== null ? [spec.certificates.own === null ? null : [reveal(spec.certificates.own.cert), spec.certificates.own.key.reveal()], spec.certificates.ca === null ? null : reveal(spec.certificates.ca)] : null;
  };

  test("are what we show, and whose count; the key is a secret, and another one is another connection", () => {
    expect([shown({ cert: "C", key: "K", ca: "A" }), shown({ cert: "C", key: "K" }), shown({ ca: "A" })]).toEqual([[["C", "K"], "A"], [["C", "K"], null], [null, "A"]]);
    expect(JSON.stringify(remote({ cert: "C", key: "key-text" }))).not.toContain("key-text");
    expect(remote({ cert: "C", key: "K" })?.fingerprint).not.toBe(remote({ cert: "C", key: "L" })?.fingerprint);
  });

  test("are told of where they are none, by their place, and put that server out alone", () => {
    const [cert, key] = ["-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"];
    expect([remote({ cert, key, ca: `# ours\n${cert}` })?.issue, remote({ cert, key: key.replaceAll("PRIVATE", "EC PRIVATE") })?.issue]).toEqual([null, null]);
    const issueOf = (tls: object) => [remote(tls)?.issue?.path.at(-1), remote(tls)?.issue?.message];
    expect([issueOf({ ca: "/etc/ssl/ca.pem" }), issueOf({ cert: key, key }), issueOf({ cert, key: cert })]).toEqual([["ca", "“ca” holds no certificate in PEM"], ["cert", "“cert” holds no certificate in PEM"], ["key", "“key” holds no private key in PEM"]]);
  });

  test("come in pairs, and for https alone", () => {
    expect(remote({ ca: "A" }, "http://127.0.0.1:1/mcp")?.issue?.message).toContain("for https alone");
    expect(read({ mcpServers: { a: { url: "https://a.example", tls: { cert: "C" } } } }).ok).toBe(false);
    // Another key is another connection.
    expect(new Set([{ cert: "C", key: "D" }, { cert: "C", key: "E" }, { ca: "C" }, { ca: "D" }].map((tls) => remote(tls)?.fingerprint)).size).toBe(4);
  });
});

describe("where several people call", () => {
  const issuers = [{ issuer: "https://login.example", audience: "a", scopes: [] }];
  const servers = {
    plain: { url: "https://mcp.example/mcp" },
    program: { command: "x" },
    chosen: { url: "https://mcp.example/mcp", credentials: "shared", pin: "off" },
    keyed: { url: "https://mcp.example/mcp", headers: { Authorization: "Bearer x" } },
    joint: { url: "https://mcp.example/mcp", isolation: "shared" },
    own: { url: "https://mcp.example/mcp", oauth: { grant: "client_credentials", clientId: "c", clientSecret: "s" } },
  };
  const standards = (auth: object | undefined, serverDefaults?: object) =>
    Object.fromEntries(configIn({ mcpServers: servers, ...(auth === undefined ? {} : { auth }), ...(serverDefaults === undefined ? {} : { serverDefaults }) }).backends.map((spec) => [spec.name, [spec.pin, spec.kind === "remote" ? spec.credentials : null, spec.issue]]));

  test("definitions are held back and logins are each one's own, where nobody chose and it can be", () => {
    const signIn = { issuer: "https://login.example", clientId: "x", scopes: ["tag:web"] };
    for (const auth of [{ issuers }, { mode: "mixed", issuers }, { mode: "external", issuers }, { signIn }])
      expect(standards(auth)).toEqual({ plain: ["block", "per-user", null], program: ["block", null, null], chosen: ["off", "shared", null], keyed: ["block", "shared", null], joint: ["block", "shared", null], own: ["block", "shared", null] });
    expect(standards({ issuers }, { pin: "warn" })["plain"]).toEqual(["warn", "per-user", null]);
  });

  test("and not where one person has it to himself", () => {
    for (const auth of [undefined, {}, { mode: "token" }, { mode: "token", issuers }]) expect(standards(auth)).toMatchObject({ plain: ["warn", "shared", null], program: ["warn", null, null], chosen: ["off", "shared", null] });
  });
});
