import { expect, test } from "bun:test";
import { commandOf } from "../../src/cli/commands.ts";
import { environmentName, flags, parseSettings, sinceOf, valuesOf, variableOf, withValue } from "../../src/cli/flags.ts";

const of = (given: Record<string, string>, env: Record<string, string> = {}) => parseSettings(new Map(Object.entries(given)), env);

test("without any flag everything is standard", () => {
  expect(of({})).toEqual({
    ok: true,
    settings: { config: null, stateDir: null, logLevel: "info", strictSecrets: false, host: null, port: null, insecureNoAuth: false, trustTerminal: false, gracefulRestart: false, stdio: false, url: null, tokenFile: null, timeoutMs: 10_000, waitMs: 30_000, start: false, user: false, json: false, since: null, paste: false, device: false, yes: null, deny: null, wait: false, name: null, scopes: null, servers: [], sources: null, ttlMs: 7_776_000_000, all: false, print: false, passwordFile: null, operatorPasswordFile: null, remove: false, preset: null, tags: null, tagFilter: null, filter: null, description: null, dryRun: false, grant: null, project: null, assumeYes: false, backup: null, keepIn1mcp: false, verifyBackups: false, cleanupDays: null, verify: null },
  });
});

test("every flag can be given, and the environment stands behind each", () => {
  const all = { config: "c", "state-dir": "s", "log-level": "debug", "strict-secrets": "1", host: "::1", port: "0", "insecure-no-auth": "1", "trust-terminal": "1", "graceful-restart": "1", stdio: "1", url: "http://a/mcp", "token-file": "t", timeout: "50", start: "1", user: "1", json: "1", since: "90m", paste: "1", device: "1", yes: "A", deny: "B", wait: "1", name: "n", scope: "a,b c", server: "s t", "from-cidr": "10.0.0.0/8,::1", ttl: "2h", all: "1", print: "1", "password-file": "p", "operator-password-file": "o", remove: "1", preset: "d", tags: "x,y", "tag-filter": "x && y", filter: "!x", description: "why", "dry-run": "1", grant: "g", project: "/p" };
  const settings = { config: "c", stateDir: "s", logLevel: "debug", strictSecrets: true, host: "::1", port: 0, insecureNoAuth: true, trustTerminal: true, gracefulRestart: true, stdio: true, url: "http://a/mcp", tokenFile: "t", timeoutMs: 50, waitMs: 50, start: true, user: true, json: true, since: "90m", paste: true, device: true, yes: "A", deny: "B", wait: true, name: "n", scopes: ["a", "b", "c"], servers: ["s", "t"], sources: ["10.0.0.0/8", "::1"], ttlMs: 7_200_000, all: true, print: true, passwordFile: "p", operatorPasswordFile: "o", remove: true, preset: "d", tags: "x,y", tagFilter: "x && y", filter: "!x", description: "why", dryRun: true, grant: "g", project: "/p", assumeYes: false, backup: null, keepIn1mcp: false, verifyBackups: false, cleanupDays: null, verify: null };
  expect(of(all)).toEqual({ ok: true, settings: settings as never });
  const env = Object.fromEntries(Object.entries(all).map(([name, value]) => [environmentName(name), value]));
  expect(Object.keys(env)).toEqual(["ONE_MCP_CONFIG", "ONE_MCP_STATE_DIR", "ONE_MCP_LOG_LEVEL", "ONE_MCP_STRICT_SECRETS", "ONE_MCP_HOST", "ONE_MCP_PORT", "ONE_MCP_INSECURE_NO_AUTH", "ONE_MCP_TRUST_TERMINAL", "ONE_MCP_GRACEFUL_RESTART", "ONE_MCP_STDIO", "ONE_MCP_URL", "ONE_MCP_TOKEN_FILE", "ONE_MCP_TIMEOUT", "ONE_MCP_START", "ONE_MCP_USER", "ONE_MCP_JSON", "ONE_MCP_SINCE", "ONE_MCP_PASTE", "ONE_MCP_DEVICE", "ONE_MCP_YES", "ONE_MCP_DENY", "ONE_MCP_WAIT", "ONE_MCP_NAME", "ONE_MCP_SCOPE", "ONE_MCP_SERVER", "ONE_MCP_FROM_CIDR", "ONE_MCP_TTL", "ONE_MCP_ALL", "ONE_MCP_PRINT", "ONE_MCP_PASSWORD_FILE", "ONE_MCP_OPERATOR_PASSWORD_FILE", "ONE_MCP_REMOVE", "ONE_MCP_PRESET", "ONE_MCP_TAGS", "ONE_MCP_TAG_FILTER", "ONE_MCP_FILTER", "ONE_MCP_DESCRIPTION", "ONE_MCP_DRY_RUN", "ONE_MCP_GRANT", "ONE_MCP_PROJECT"]);
  expect(of({}, env)).toEqual({ ok: true, settings: settings as never });
  expect(Object.keys(all).sort()).toEqual(flags.filter(({ typed }) => !typed).map(({ name }) => name).sort());
});

test("what says what one command is to do is taken from its command line alone", () => {
  const typed = flags.filter((flag) => flag.typed);
  expect(typed.length).toBeGreaterThan(5);
  for (const { name } of typed) expect(of({}, { [environmentName(name)]: "no value at all" })).toMatchObject({ ok: true });
});

test("a variable stands behind a flag only where the command reads it", () => {
  const [json, tags, status] = ["json", "tags", "status"].map((name) => flags.find((flag) => flag.name === name));
  if (json === undefined || tags === undefined || status === undefined) throw new Error("a flag is gone");
  expect([variableOf(json, "status"), variableOf(tags, "proxy"), variableOf(tags, "mcp add"), variableOf(tags, null), variableOf(status, "serve")]).toEqual(["ONE_MCP_JSON", "ONE_MCP_TAGS", null, "ONE_MCP_TAGS", null]);
});

test("the command line wins over the environment, and an empty variable is none", () => {
  expect(of({ port: "1" }, { ONE_MCP_PORT: "not even looked at" })).toMatchObject({ ok: true, settings: { port: 1 } });
  expect(of({}, { ONE_MCP_PORT: "" })).toMatchObject({ ok: true, settings: { port: null } });
  expect(of({}, { ONE_MCP_INSECURE_NO_AUTH: "false" })).toMatchObject({ settings: { insecureNoAuth: false } });
});

test("what says what one command is to do has no variable behind it, and is checked all the same", () => {
  expect(of({}, { ONE_MCP_TYPE: "carrier pigeon", ONE_MCP_WAIT_MS: "soon" }).ok).toBeTrue();
  expect(of({ type: "carrier pigeon" })).toEqual({ ok: false, problem: "--type must be stdio, http or sse" });
  expect(of({ "wait-ms": "soon" })).toEqual({ ok: false, problem: "--wait-ms must be a number of milliseconds" });
  expect(of({ lines: "0" })).toEqual({ ok: false, problem: "--lines must be a number of lines" });
});

test("of a flag that was given several times each value stays itself", () => {
  const given = new Map([["env", withValue(withValue(undefined, "A=1 2"), "B=x,y")]]);
  expect([valuesOf(given, "env"), valuesOf(given, "header")]).toEqual([["A=1 2", "B=x,y"], []]);
});

test("a wrong value names the flag or the variable that it came from", () => {
  expect(of({ port: "65536" })).toEqual({ ok: false, problem: "--port must be a number from 0 to 65535" });
  for (const port of ["-1", "1.5", "0x10", "1e3", " 1", "port", "000001"]) expect(of({ port }).ok).toBeFalse();
  expect(of({}, { ONE_MCP_PORT: "x" })).toEqual({ ok: false, problem: "ONE_MCP_PORT must be a number from 0 to 65535" });
  expect(of({ host: "http://127.0.0.1" })).toEqual({ ok: false, problem: "--host must be an address or a host name, without scheme and port" });
  for (const host of [" ", "a b", "127.0.0.1:80", "[::1]:80", "*", "a/b"]) expect(of({ host }).ok).toBeFalse();
  for (const host of ["127.0.0.1", "::1", "[::1]", "::", "fe80::1:2", "box-1.example", "localhost"]) expect(of({ host }).ok).toBeTrue();
  expect(of({ "log-level": "loud" })).toEqual({ ok: false, problem: "--log-level must be debug, info, warn or error" });
  expect(of({}, { ONE_MCP_INSECURE_NO_AUTH: "maybe" })).toEqual({ ok: false, problem: "ONE_MCP_INSECURE_NO_AUTH must be 1 or 0" });
  expect(of({ url: "unix:///tmp/x" })).toEqual({ ok: false, problem: "--url must be an http or https URL" });
  for (const timeout of ["0", "-1", "1s", "99999999"]) expect(of({ timeout })).toEqual({ ok: false, problem: "--timeout must be a number of milliseconds" });
});

test("a moment is a time, or how long ago", () => {
  expect(["90s", "15m", "12h", "7d"].map((text) => sinceOf(text, 1_000_000_000))).toEqual([999_910_000, 999_100_000, 956_800_000, 395_200_000]);
  expect(sinceOf("2026-07-28T12:00Z", 0)).toBe(Date.UTC(2026, 6, 28, 12));
  for (const text of ["", "now", "5", "m", "-5m", "2026", "2026-99-99"]) expect(sinceOf(text, 0)).toBeNull();
});

test("no two flags share a name, a letter or a variable, and each belongs to a command that exists", () => {
  const unique = (names: (string | null)[]) => expect(new Set(names.filter(Boolean)).size).toBe(names.filter(Boolean).length);
  unique([...flags.map(({ name }) => name), "help", "version"]);
  unique([...flags.map(({ short }) => short), "h"]);
  unique(flags.map(({ name }) => environmentName(name)));
  for (const { command } of flags) for (const name of [command ?? []].flat()) expect(commandOf(name.split(" "))).not.toBeNull();
});
