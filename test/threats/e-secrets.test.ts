/**
 * Row 39 of the threat table for a whole run: every kind of secret that the program is given or gives out, in every mode,
 * and then a search in all that is left of the run: logs, the audit log, what commands print, what is answered to others,
 * databases, temporary files.
 */
import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Company, openCompany } from "../fixtures/company.ts";
import { type Granted, startGranted } from "../fixtures/granted.ts";
import { createGuarded, type Guarded } from "../fixtures/guarded.ts";
import { mintedBy } from "../fixtures/minted.ts";
import { plant, searching } from "../fixtures/planted.ts";
import { projectDir, runProgram, temporaryDir } from "../fixtures/program.ts";
import { openSession, send, sendModern } from "../fixtures/rpc.ts";
import { manyTries } from "../fixtures/wayIn.ts";

const planted = () => plant("env", "arg", "header", "query", "clientSecret", "robotSecret", "passwordFile", "otlp", "payload", "badToken", "urlToken", "cookie", "wrongPassword", "wrongCode", "wrongHandle");

/** A server that tells whoever asks what it was sent, as an error. */
const tellTale = () => Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: async (request) => new Response(`${request.url} ${JSON.stringify([...request.headers])} ${await request.text()}`, { status: 500 }) });

async function until(program: Granted, state: string): Promise<void> {
  for (;;) {
    const { servers } = await program.operate<{ servers: { name: string; state: string }[] }>("/status");
    if (servers.find(({ name }) => name === "remote")?.state === state) return;
    await new Promise(setImmediate);
  }
}

/** Everything that somebody does wrong who has a secret in his hands; gives what he is answered. */
async function mistakes(program: Granted, value: ReturnType<typeof planted>["value"]): Promise<Readonly<Record<string, string>>> {
  const all = program.at(program.token);
  const page = await program.get("/login");
  const cookie = page.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
  const said: Record<string, string> = {
    "bad token": (await send({ ...all, token: value.badToken }, "{}", {})).text,
    "token in the URL": (await send({ url: `${all.url}?access_token=${value.urlToken}`, token: null }, "{}", {})).text,
    "no name": (await sendModern(all, { method: "tools/call", name: "none", params: `"name":"none","arguments":{"password":"${value.payload}"}` })).text,
    "no JSON": (await send(all, `{"password":"${value.payload}"`, {})).text,
    "wrong password": await (await program.post("/login", { handle: value.wrongHandle, password: value.wrongPassword, next: "/" }, { cookie, origin: program.origin })).text(),
    "wrong code": await (await program.post("/token", { grant_type: "authorization_code", code: value.wrongCode, client_id: "x", code_verifier: value.wrongCode })).text(),
    "wrong refresh": await (await program.post("/token", { grant_type: "refresh_token", refresh_token: value.wrongCode, client_id: "x" })).text(),
    "wrong client": await (await program.post("/token", { grant_type: "client_credentials" }, { authorization: `Basic ${btoa(`robot:${value.wrongCode}`)}` })).text(),
    "wrong handle": await (await program.post("/authorize", { handle: value.wrongHandle, decision: "approve" }, { cookie: `a=${value.cookie}`, origin: program.origin })).text(),
    "wrong callback": await (await program.get(`/oauth/callback?state=${value.wrongHandle}&code=${value.wrongCode}`, { cookie: `1mcp_login=${value.cookie}` })).text(),
    "wrong link": await (await program.get(`/open?link=${value.wrongHandle}`)).text(),
  };
  const session = await openSession(all);
  said["older client"] = (await session.send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"alpha__none","arguments":{"password":"${value.payload}"}}}`)).text;
  for (const server of ["telltale", "alpha"]) said[server] = (await sendModern(all, { method: "tools/call", name: `${server}__x`, params: `"name":"${server}__x","arguments":{}` })).text;
  for (const path of ["/metrics", "/health/mcp", "/health", "/"]) said[path] = await (await program.get(path, { authorization: `Bearer ${program.token}` })).text();
  return said;
}

/** What the operator's commands print. */
async function printed(program: Granted, env: Record<string, string>): Promise<Record<string, string>> {
  const state = ["--state-dir", join(program.dir, "state")];
  const commands = [["status"], ["status", "--json"], ["auth", "grants", "--json"], ["token", "list", "--json"], ["auth", "status", "--json"], ["audit"], ["audit", "--json"], ["audit", "verify"], ["mcp", "pins"], ["approve", "--json"]];
  const all = [...commands.map((words) => [...words, ...state]), ["config", "check", "--config", program.configPath]];
  const outs = await Promise.all(all.map(async (words) => [`1mcp ${words.slice(0, 3).join(" ")}`, await runProgram(words, { env: { ...env, HOME: program.dir } })] as const));
  return Object.fromEntries(outs.map(([name, { stdout, stderr }]) => [name, stdout + stderr]));
}

type Mode = "oauth" | "mixed" | "token" | "none";
const hasServer = (mode: Mode): boolean => mode === "oauth" || mode === "mixed";

/** Who may come in that mode. */
function accessIn(mode: Mode, issuer: string, robotSecret: string): object {
  if (mode === "none") return {};
  const robot = { clientId: "robot", secretSha256: new Bun.CryptoHasher("sha256").update(robotSecret).digest("hex"), clientCredentials: ["tag:a"] };
  const issuers = mode === "mixed" ? { issuers: [{ issuer, audience: "api://mcp", scopes: ["tag:a"] }] } : {};
  return { auth: { mode, clients: { preregistered: [robot] }, ...issuers } };
}

/** Has everything given out that the mode gives, and shown what others give; gives it by what it is. */
async function mintedIn(mode: Mode, program: Granted, company: Company, value: ReturnType<typeof planted>["value"]): Promise<Readonly<Record<string, string>>> {
  if (mode === "none") return {};
  const minted: Record<string, string> = { "another static token": (await program.grant(["tag:a"])).token };
  if (mode === "mixed") {
    Object.assign(minted, { "company's token": await company.token(), "company's bad token": await company.token({ aud: "x" }) });
    for (const token of Object.values(minted)) await sendModern(program.at(token), { method: "tools/list" });
  }
  return hasServer(mode) ? { ...minted, ...(await mintedBy(program, null)), "robot's token": await robotsToken(program, value.robotSecret), "cookie of who has the password": await passwordsCookie(program, value.passwordFile) } : minted;
}

async function robotsToken(program: Granted, secret: string): Promise<string> {
  const answer = await program.post("/token", { grant_type: "client_credentials" }, { authorization: `Basic ${btoa(`robot:${secret}`)}` });
  return ((await answer.json()) as { access_token: string }).access_token;
}

const cookieOf = (answer: Response): string => answer.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";

/** The cookie of a browser in which the operator's password was typed. */
async function passwordsCookie(program: Granted, password: string): Promise<string> {
  const page = await program.get("/login");
  const handle = /name="handle" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const answer = await program.post("/login", { handle, password, next: "/" }, { cookie: cookieOf(page), origin: program.origin });
  return cookieOf(answer).replace(/^[^=]+=/, "");
}

/** The operator logs in at the remote server, and calls it. */
async function useRemote(program: Granted, guarded: Guarded, payload: string): Promise<void> {
  await until(program, "needs-login");
  const { url } = await program.operate<{ url: string }>("/logins/remote/start", { by: "paste" });
  await program.operate("/logins/remote/finish", { callbackUrl: await guarded.visit(url) });
  await until(program, "ready");
  await sendModern(program.at(program.token), { method: "tools/call", name: "remote__whoami", params: `"name":"remote__whoami","arguments":{"password":"${payload}"}` });
}

// It says on its stderr what it was given.
const noisy = { command: "sh", args: ["-c", 'echo "it is $API_TOKEN and $0" >&2; exec "$1" "$2" alpha', "${ARG_TOKEN}", process.execPath, join(projectDir, "test", "fixtures", "owningServer.ts")], env: { API_TOKEN: "${ENV_TOKEN}" }, tags: ["a"] };

describe("39: nothing that is secret is left of a whole run", () => {
  test.each<Mode>(["mixed", "oauth", "token", "none"])("in mode %s: not in logs, errors, what commands print, databases or temporary files", async (mode) => {
    const { value } = planted();
    await using company = await openCompany({ audience: "api://mcp" });
    await using guarded = createGuarded();
    await using telling = tellTale();
    await using tmp = await temporaryDir();
    await using apart = await temporaryDir();
    await using home = await temporaryDir();
    const passwordFile = join(apart.path, "password");
    await writeFile(passwordFile, value.passwordFile, { mode: 0o600 });
    const told = `http://127.0.0.1:${telling.port}`;
    const remote = { url: guarded.url, oauth: { clientId: "written", clientSecret: "${CLIENT_SECRET}" } };
    const config = { ...accessIn(mode, company.issuer, value.robotSecret), limits: manyTries, mcpServers: { alpha: noisy, telltale: { url: `${told}/mcp?key=\${QUERY_KEY}`, headers: { Authorization: "Bearer ${HEADER_TOKEN}" } }, remote } };
    const env = { ENV_TOKEN: value.env, ARG_TOKEN: value.arg, QUERY_KEY: value.query, HEADER_TOKEN: value.header, CLIENT_SECRET: value.clientSecret, OTEL_EXPORTER_OTLP_ENDPOINT: told, OTEL_EXPORTER_OTLP_HEADERS: `authorization=${value.otlp}`, ONE_MCP_OPERATOR_PASSWORD_FILE: passwordFile };
    const program = await startGranted({ config, args: ["--log-level", "debug"], env: { ...env, TMPDIR: tmp.path }, auth: mode !== "none", dir: home.path });
    await sendModern(program.at(program.token), { method: "tools/list" });
    const minted = await mintedIn(mode, program, company, value);
    await useRemote(program, guarded, value.payload);
    const answers = await mistakes(program, value);
    const output = await printed(program, env);
    program.signal("SIGTERM");
    await program.exited;

    const upstream = Object.fromEntries(guarded.secrets.map((secret) => [`of the remote server: ${secret.replace(/-\d.*/, "")}`, secret]));
    const all = searching({ ...value, ...minted, ...upstream });
    const own = searching({ "the operator's own token": program.token ?? "no token at all" });
    expect([...Object.values(minted), ...Object.values(upstream)].filter((secret) => secret.length < 16)).toEqual([]);
    expect(Object.keys(upstream).length).toBeGreaterThan(2);
    const texts = { log: program.stderr(), ...answers, ...output };
    expect([...all.inTexts(texts), ...own.inTexts(texts)]).toEqual([]);
    for (const folder of [program.dir, tmp.path]) expect([...(await all.inFiles(folder)), ...(await own.inFiles(folder, [join("state", "token")]))]).toEqual([]);
    // There was something to be found.
    expect(program.stderr()).toContain("it is [secret] and [secret]");
  }, 60_000);
});
