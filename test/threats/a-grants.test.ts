/**
 * Part A of the threat table, as far as it is about who gets in and what a grant opens: over the wire, against the
 * program as it is started by people. What is about codes and tokens is beside this file.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { openAuth } from "../fixtures/auth.ts";
import { openFront } from "../fixtures/front.ts";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { programArgv, cleanEnv } from "../fixtures/program.ts";
import { openListen, openPipe, openSession, send, sendModern, type Sent } from "../fixtures/rpc.ts";

const nextId = (): string => crypto.randomUUID();

// ---- 1 -----------------------------------------------------------------------------------------------------------

/** What strangers may ask for: frozen, so that whoever adds a route decides here what it is. */
const forEverybody: readonly string[] = Object.freeze([
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/*",
  "/.well-known/oauth-authorization-server",
  "/oauth/client.json",
  "/authorize",
  "/token",
  "/register",
  "/revoke",
  "/device_authorization",
  "/device",
  "/login",
  "/open",
  "/oauth/callback",
  "/connect/:server",
  "/health",
  "/health/live",
  "/health/ready",
  "/",
]);

/** What a stranger is answered there. The operator's own pages want his browser, and no token would help. */
async function strangersStatus(origin: string, verb: string, path: string): Promise<string> {
  const json = verb === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {};
  const answer = await fetch(origin + path.replaceAll(/:\w+|\*/g, "x"), { method: verb, ...json });
  const challenge = path === "/oauth/authorize/:server" ? "Bearer resource_metadata=" : (answer.headers.get("www-authenticate") ?? "");
  return `${answer.status}${challenge.startsWith("Bearer resource_metadata=") ? " challenged" : ""}`;
}

test("1: every route is for everybody by decision, or asks who it is", async () => {
  await using stage = await openAuth();
  const logins = { paths: ["/oauth/authorize/:server", "/oauth/callback", "/oauth/client.json", "/connect/:server"], handle: async () => ({ kind: "json", status: 401, headers: {}, body: {} }) as const };
  await using front = await openFront({ auth: stage.auth, sites: [logins] });
  expect(front.routes.length).toBeGreaterThan(20);
  const asked = front.routes.filter(({ path }) => !forEverybody.includes(path)).flatMap(({ method, path }) => (method === "ALL" ? ["GET", "POST", "PUT", "DELETE", "PATCH"] : [method]).map((verb) => ({ verb, path })));
  const statuses = await Promise.all(asked.map(async ({ verb, path }) => `${verb} ${path} ${await strangersStatus(front.origin, verb, path)}`));
  expect(statuses.length).toBeGreaterThan(30);
  expect(statuses.filter((status) => !/ (401 challenged|405)$/.test(status))).toEqual([]);
  expect(forEverybody.filter((path) => !front.routes.some((route) => route.path === path))).toEqual([]);
});

test("1: without authentication there is no authorization server at all", async () => {
  await using stage = await openAuth({ mode: "none" });
  expect(stage.auth.paths).toEqual([]);
});

// ---- 2 -----------------------------------------------------------------------------------------------------------

test("2: nobody gets in by accident: it is asked for a token unless the operator says otherwise, and then only on this computer", async () => {
  await using program = await startGranted();
  const answer = await sendModern(program.at(null), { method: "tools/list" });
  expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, `Bearer resource_metadata="${program.origin}/.well-known/oauth-protected-resource/mcp"`]);
  const open = Bun.spawn([...programArgv(), "serve", "--port", "0", "--host", "0.0.0.0", "--insecure-no-auth", "--state-dir", join(program.dir, "other")], { cwd: program.dir, env: cleanEnv({ HOME: program.dir }), stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  expect([await open.exited, await new Response(open.stderr).text()]).toEqual([78, expect.stringContaining("0.0.0.0 without authentication")]);
});

// ---- A program with servers of two kinds ---------------------------------------------------------------------------

describe("with servers for several grants", () => {
  let program: Granted;
  beforeAll(async () => {
    program = await startGranted({
      config: {
        pageSize: 1,
        mcpServers: {
          alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }),
          beta: fixture("owningServer.ts", ["beta"], { tags: ["b", "B"] }),
          shy: fixture("owningServer.ts", ["shy"], { tags: ["b"], hidden: true }),
          jobs: fixture("rawTasks.ts", [], { tags: ["a", "jobs"] }),
        },
      },
    });
  });
  afterAll(() => program[Symbol.asyncDispose]());

  const tasks = '"extensions":{"io.modelcontextprotocol/tasks":{}}';

  /** All names on all pages of a list. */
  async function listed(token: string, method: string, path = "/mcp"): Promise<string[]> {
    const names: string[] = [];
    let params = "";
    for (;;) {
      const { text } = await sendModern(program.at(token, path), { method, params });
      const { result } = JSON.parse(text) as { result: Record<string, { name?: string; uri?: string }[]> & { nextCursor?: string } };
      for (const items of Object.values(result)) if (Array.isArray(items)) for (const item of items) names.push(item.name ?? item.uri ?? "");
      if (result.nextCursor === undefined) return names;
      params = `"cursor":${JSON.stringify(result.nextCursor)}`;
    }
  }
  const call = (token: string, name: string, path?: string) => sendModern(program.at(token, path), { method: "tools/call", name, params: `"name":${JSON.stringify(name)}` });

  test("6: a token in the URL opens nothing, and no line says it", async () => {
    const { token } = await program.grant(null);
    for (const query of [`?access_token=${token}`, `?token=${token}`, `#access_token=${token}`]) expect((await sendModern({ url: `${program.origin}/mcp${query}`, token: null }, { method: "tools/list" })).status).toBe(401);
    expect((await send({ url: `${program.origin}/mcp`, token: null }, `access_token=${token}`, { "content-type": "application/x-www-form-urlencoded" })).status).toBe(401);
    expect(program.stderr()).not.toContain(token);
    for (const name of await readdir(join(program.dir, "state"))) if (/audit/.test(name)) expect(await Bun.file(join(program.dir, "state", name)).text()).not.toContain(token);
  });

  test("10: lists show what was granted and nothing else, in either era, with what is said about it", async () => {
    const { token } = await program.grant(["tag:a"]);
    for (const method of ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]) {
      const names = await listed(token, method);
      expect(names.length).toBeGreaterThan(0);
      expect(names.filter((name) => /beta|shy/.test(name))).toEqual([]);
    }
    const session = await openSession(program.at(token));
    expect(session.opened.text + (await session.send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')).text).not.toMatch(/beta|shy/);
    expect((await sendModern(program.at(token), { method: "server/discover" })).text).not.toMatch(/beta|shy/);
  });

  const parts = (value: string | null): string[] => (value ?? "").replace(/^Bearer /, "").split(", ").filter((part) => !part.startsWith("error_description")).sort();
  const refusalOf = ({ status, text, headers }: Sent): unknown[] => [status, (JSON.parse(text) as { error?: { data?: { requiredScopes?: unknown } } }).error?.data?.requiredScopes, parts(headers.get("www-authenticate"))];

  test("11, 15: a call beyond the grant reaches nobody, and is told what it would need", async () => {
    const { token } = await program.grant(["tag:a"]);
    const challenge = `Bearer error="insufficient_scope", scope="server:beta", resource_metadata="${program.origin}/.well-known/oauth-protected-resource/mcp"`;
    const beyond: readonly (readonly [string, string, string])[] = [
      ["tools/call", '"name":"beta__links"', "beta__links"],
      ["prompts/get", '"name":"beta__links"', "beta__links"],
      ["resources/read", '"uri":"x-1mcp://beta/same%3A%2F%2Fone"', "x-1mcp://beta/same%3A%2F%2Fone"],
      ["completion/complete", '"ref":{"type":"ref/prompt","name":"beta__links"},"argument":{"name":"id","value":""}', ""],
    ];
    const session = await openSession(program.at(token));
    for (const [method, params, name] of beyond) {
      const refused = await sendModern(program.at(token), { method, params, ...(name === "" ? {} : { name }) });
      expect([method, ...refusalOf(refused)]).toEqual([method, 403, ["server:beta"], parts(challenge)]);
      const older = await session.send(`{"jsonrpc":"2.0","id":"${nextId()}","method":"${method}","params":{${params}}}`);
      expect([method, ...refusalOf(older)]).toEqual([method, 403, ["server:beta"], parts(challenge)]);
    }
    for (const method of ["tools/list", "server/discover"]) expect((await sendModern(program.at(token, "/mcp/beta"), { method })).status).toBe(403);
    expect((await openSession(program.at(token, "/mcp/beta"))).opened.status).toBe(403);
    const { token: own } = await program.grant(["server:beta"]);
    // Nobody else has asked it for anything.
    expect(JSON.parse((await call(own, "beta__asked")).text).result.content[0].text).toBe("[]");
  });

  test("11: a server that is hidden answers as one that is not there", async () => {
    const { token } = await program.grant(["tag:a"]);
    /** What is left of an answer when the name is taken out of it that was asked with. */
    const seen = ({ status, text, headers }: Sent, name: string): unknown[] => [status, text.replace(/"callId":"[^"]*"/, "").replaceAll(name, "?"), headers.get("www-authenticate")];
    const asks: readonly ((name: string) => Promise<Sent>)[] = [
      (name) => call(token, `${name}__links`),
      (name) => sendModern(program.at(token), { method: "resources/read", params: `"uri":"x-1mcp://${name}/same%3A%2F%2Fone"`, name: `x-1mcp://${name}/same%3A%2F%2Fone` }),
      (name) => sendModern(program.at(token, `/mcp/${name}`), { method: "server/discover" }),
      (name) => sendModern(program.at(token, `/mcp/${name}`), { method: "tools/list" }),
    ];
    for (const ask of asks) expect(seen(await ask("shy"), "shy")).toEqual(seen(await ask("nun"), "nun"));
  });

  test("12: nothing in the address widens a grant", async () => {
    const { token } = await program.grant(["server:alpha"]);
    const own = (await listed(token, "tools/list")).sort();
    expect(own.every((name) => name.startsWith("alpha__"))).toBe(true);
    for (const query of ["?server=beta", "?scope=tag:b", "?TAGS=B"]) expect((await listed(token, "tools/list", `/mcp${query}`)).sort()).toEqual(own);
    // What selects only narrows; more of it is in a file of its own.
    for (const query of ["?tags=b", "?tag-filter=!a", "?tag-filter=not%20a", "?tag-filter=a%2Bb", "?filter=a+OR+b", "?tags=%62"]) expect((await listed(token, "tools/list", `/mcp${query}`)).filter((name) => !own.includes(name))).toEqual([]);
    for (const path of ["/mcp/ALPHA", "/mcp/alpha%2F..%2Fbeta", "/mcp/beta%00", "/mcp/b%65ta", "/mcp/%62eta", "/mcp//beta", "/mcp/beta/"]) expect(JSON.stringify((await sendModern(program.at(token, path), { method: "tools/list" })).text)).not.toContain('"links');
  });

  test("13: a grant of nothing opens nothing", async () => {
    for (const scopes of [[], ["offline_access"], ["admin:read"], ["server:nobody"], ["tag:nobody"]]) {
      const { token } = await program.grant(scopes);
      for (const method of ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]) expect(await listed(token, method)).toEqual([]);
      expect((await call(token, "alpha__links")).status).toBe(403);
    }
  });

  test("14: a session is nobody's but its grant's", async () => {
    const [one, two] = [await program.grant(["tag:a"]), await program.grant(["tag:a"])];
    const session = await openSession(program.at(one.token));
    const headers = { "Mcp-Session-Id": session.id, "MCP-Protocol-Version": "2025-11-25" };
    const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const asOther = { authorization: `Bearer ${two.token}`, ...headers };
    expect((await send(program.at(two.token), ping, headers)).status).toBe(404);
    for (const method of ["GET", "DELETE"]) expect((await fetch(`${program.origin}/mcp`, { method, headers: { ...asOther, accept: "text/event-stream" } })).status).toBe(404);
    expect((await session.send(ping)).status).toBe(200);
    await using pipe = await openPipe(program.origin, "/sse", one.token);
    const stolen = await fetch(program.origin + pipe.messages, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${two.token}` }, body: ping });
    expect([stolen.status, await pipe.send(ping)]).toEqual([404, 202]);
  });

  test("5: everything that stands on a grant ends with it, at once and for good", async () => {
    const { id, token } = await program.grant(["tag:a"]);
    const session = await openSession(program.at(token));
    await using stream = await openListen(program.at(token), { "Mcp-Session-Id": session.id, "MCP-Protocol-Version": "2025-11-25" });
    await using pipe = await openPipe(program.origin, "/sse", token);
    const listening = sendModern(program.at(token), { method: "subscriptions/listen", params: '"notifications":{"toolsListChanged":true}' });
    const begun = performance.now();
    expect(await program.operate<{ revoked: number }>("/auth/grants/revoke", { id })).toEqual({ revoked: 1 });
    await expect(stream.next()).rejects.toThrow("ended");
    await expect(pipe.next()).rejects.toThrow("ended");
    await listening;
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect((await sendModern(program.at(token), { method: "tools/list" })).status).toBe(401);
    expect((await session.send('{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(401);
  });

  test("81: cursors, tasks and subscriptions are nobody's but their grant's", async () => {
    const [one, two] = [await program.grant(["tag:a"]), await program.grant(["tag:a"])];
    const { nextCursor } = JSON.parse((await sendModern(program.at(one.token), { method: "tools/list" })).text).result as { nextCursor: string };
    const turn = (token: string) => sendModern(program.at(token), { method: "tools/list", params: `"cursor":"${nextCursor}"` });
    expect([JSON.parse((await turn(one.token)).text).error, JSON.parse((await turn(two.token)).text).error.data.code]).toEqual([undefined, "CURSOR_INVALID"]);
    const { taskId } = JSON.parse((await sendModern(program.at(one.token), { method: "tools/call", name: "jobs__slow", params: '"name":"jobs__slow"', capabilities: tasks })).messages.at(-1) ?? "").result as { taskId: string };
    const look = async (token: string, method = "tasks/get") => JSON.parse((await sendModern(program.at(token), { method, name: taskId, params: `"taskId":${JSON.stringify(taskId)}`, capabilities: tasks })).text) as { error?: { code: number }; result?: { taskId: string } };
    expect((await look(one.token)).result?.taskId).toBe(taskId);
    for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) expect((await look(two.token, method)).error?.code).toBe(-32602);
    const gone = new AbortController();
    const heard = await fetch(`${program.origin}/mcp`, { method: "POST", signal: gone.signal, headers: { authorization: `Bearer ${two.token}`, "content-type": "application/json", accept: "text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen" }, body: `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"taskIds":[${JSON.stringify(taskId)}]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"r","version":"1"},"io.modelcontextprotocol/clientCapabilities":{${tasks}}}}}` });
    const reader = heard.body?.getReader();
    let text = "";
    while (!text.includes("acknowledged")) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).not.toContain(taskId);
    gone.abort();
  });

  test("82: what was filtered for one grant may be kept by nobody else", async () => {
    for (const scopes of [["tag:a"], ["tag:b"]]) {
      const { token } = await program.grant(scopes);
      const { result } = JSON.parse((await sendModern(program.at(token), { method: "tools/list" })).text) as { result: { cacheScope: string } };
      expect(result.cacheScope).toBe("private");
    }
  });

  test("49, 78: what is the operator's is nobody else's: not over the network, and not by an MCP token", async () => {
    const { token } = await program.grant(null);
    const with_ = { authorization: `Bearer ${token}` };
    for (const path of ["/auth/waiting", "/auth/grants", "/auth/grants/revoke", "/auth/tokens", "/auth/open", "/auth/password", "/reload", "/status"]) for (const method of ["GET", "POST"]) expect((await fetch(program.origin + path, { method, headers: with_ })).status).toBe(404);
    for (const headers of [{}, with_, { origin: "https://evil.example" }, { cookie: "__Host-1mcp-operator=1mcp_0" }]) {
      expect((await program.get("/oauth/authorize/alpha", headers)).status).toBe(401);
      expect([400, 401, 403, 404, 405]).toContain((await program.post("/oauth/authorize/alpha", {}, headers)).status);
    }
    const { token: user } = await program.grant(["tag:a"]);
    for (const path of ["/health/mcp", "/metrics"]) expect((await program.get(path, { authorization: `Bearer ${user}` })).status).toBe(403);
  });
});

// ---- Pages of a login ----------------------------------------------------------------------------------------------

describe("the pages of a login", () => {
  let program: Granted;
  beforeAll(async () => {
    program = await startGranted({ config: { mcpServers: { alpha: fixture("owningServer.ts", ["alpha"], { tags: ["a"] }) } } });
    // A list waits until the server has said what it has.
    await sendModern(program.at(program.token), { method: "tools/list" });
  });
  afterAll(() => program[Symbol.asyncDispose]());

  const callback = "http://127.0.0.1:7777/callback";
  const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  const cookiesOf = (answer: Response): string => answer.headers.getSetCookie().map((cookie) => cookie.split(";", 1)[0]).join("; ");

  async function registered(name: string): Promise<string> {
    const answer = await fetch(`${program.origin}/register`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ client_name: name, redirect_uris: [callback], logo_uri: "https://evil.example/logo.png" }) });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { client_id: string }).client_id;
  }

  /** Goes where it is sent, as a browser with these cookies. */
  async function follow(path: string, cookie: string): Promise<{ page: Response; cookie: string }> {
    const page = await program.get(path.replace(program.origin, ""), { cookie });
    const jar = [cookie, cookiesOf(page)].filter((part) => part !== "").join("; ");
    const to = page.headers.get("location");
    return to?.startsWith("/") === true || to?.startsWith(program.origin) === true ? follow(to, jar) : { page, cookie: jar };
  }

  async function begun(name = "Example", before = ""): Promise<{ page: Response; text: string; cookie: string; handle: string }> {
    const query = new URLSearchParams({ response_type: "code", client_id: await registered(name), redirect_uri: callback, code_challenge: challenge, code_challenge_method: "S256", state: "s", resource: `${program.origin}/mcp` });
    const { page, cookie } = await follow(`/authorize?${query}`, before);
    const text = await page.text();
    const [, shown, linked] = /name="handle" value="([^"]+)"|handle=([^"&]+)/.exec(text) ?? [];
    return { page, text, cookie, handle: decodeURIComponent(shown ?? linked ?? "") };
  }

  async function operatorsCookie(): Promise<string> {
    const { url } = await program.operate<{ url: string }>("/auth/open", null);
    const opened = await fetch(url, { redirect: "manual" });
    return cookiesOf(opened);
  }

  test("26: a decision is taken from the browser that it was shown to, and from our own page alone", async () => {
    const operator = await operatorsCookie();
    const { handle, cookie, page } = await begun("Example", operator);
    expect([page.status, handle === ""]).toEqual([200, false]);
    const decide = (headers: Record<string, string>): Promise<Response> => program.post("/authorize", { handle, decision: "approve", scope: "tag:a" }, headers);
    expect((await decide({})).status).toBe(400);
    expect((await decide({ cookie: operator })).status).toBe(400);
    for (const origin of ["https://evil.example", "http://localhost:9", "null"]) expect((await decide({ cookie, origin })).status).toBe(400);
    expect((await decide({ cookie, "sec-fetch-site": "cross-site" })).status).toBe(400);
    const approved = await decide({ cookie, origin: program.origin });
    expect([approved.status, approved.headers.get("location")?.startsWith(`${callback}?code=`)]).toEqual([302, true]);
    expect((await decide({ cookie, origin: program.origin })).status).toBe(400);
  });

  test("27: no page may be framed", async () => {
    const { page } = await begun("Example", await operatorsCookie());
    for (const answer of [page, await program.get("/device"), await program.get("/login"), await program.get("/")]) {
      expect([answer.headers.get("content-security-policy")?.includes("frame-ancestors 'none'"), answer.headers.get("x-frame-options")]).toEqual([true, "DENY"]);
    }
  });

  const hostile = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title><script>", "<svg/onload=alert(1)>", "'-alert(1)-'", "&#60;script&#62;", "\u202eexample", "{{constructor}}"];
  test("28: what a client says of itself is text, and nothing of it is loaded", async () => {
    const operator = await operatorsCookie();
    for (const name of hostile) {
      const { text } = await begun(name, operator);
      expect(text).toContain("<h1>Allow");
      expect(text).not.toMatch(/<script|<img|<svg|logo\.png|\u202e/);
    }
  });

  test("29: the page says who asks, that nobody vouches, where the answer goes, and what it opens", async () => {
    const { text } = await begun("Example", await operatorsCookie());
    for (const words of ["Example", "not verified", "127.0.0.1:7777", "Any program that runs here could be listening", "tagged <strong>a</strong>", "The server <strong>alpha</strong>", "<code>links</code>"]) expect(text).toContain(words);
  });

  test("25, 29: without the operator a login waits, and shows what to compare", async () => {
    const { text, handle } = await begun();
    expect(text).toMatch(/1mcp approve[^]*[A-Z]{4}-[A-Z]{4}/);
    expect(handle).not.toBe("");
    expect(text).not.toContain("<form");
  });

  test("34: passwords cannot be tried for long", async () => {
    await program.operate("/auth/password", { password: "correct horse battery staple" });
    const page = await program.get("/login");
    const word = /name="handle" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const statuses: number[] = [];
    for (let index = 0; index < 100; index += 1) statuses.push((await program.post("/login", { handle: word, password: `wrong ${index}`, next: "/" }, { cookie: cookiesOf(page), origin: program.origin })).status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(65);
    expect(statuses.filter((status) => status === 302)).toEqual([]);
    expect(statuses.at(-1)).toBe(429);
  });

  test("35: codes of devices cannot be tried for long", async () => {
    const page = await program.get("/device");
    const word = /name="handle" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const statuses: number[] = [];
    for (let index = 0; index < 50; index += 1) statuses.push((await program.post("/device", { handle: word, user_code: "BCDF-GHJK" }, { cookie: cookiesOf(page), origin: program.origin })).status);
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(5);
    expect(statuses.at(-1)).toBe(429);
  });
});
