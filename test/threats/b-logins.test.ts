/**
 * Part B of the threat table, as far as it is about logins at remote servers: an authorization server that lies, a browser
 * that comes back with what it should not, and what travels where. The program as people start it, with a remote server
 * that wants a login on a real port.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { type Bends, createGuarded, type Guarded } from "../fixtures/guarded.ts";
import { cleanEnv, type ProgramOptions, programArgv, temporaryDir } from "../fixtures/program.ts";
import { openSession, sendModern } from "../fixtures/rpc.ts";

/** The program with one remote server `remote`, and its bent authorization server. */
async function withRemote(bends: Partial<Bends> = {}, entry: object = {}, options: Pick<ProgramOptions, "args" | "env"> & { readonly more?: object } = {}) {
  const guarded = createGuarded(bends);
  const { more = {}, ...rest } = options;
  const program = await startGranted({ config: { mcpServers: { remote: { url: guarded.url, ...entry }, ...more } }, ...rest });
  return {
    guarded,
    program,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await guarded[Symbol.asyncDispose]();
    },
  };
}

/** Begins the operator's login; gives where his browser is to go. */
const begun = (program: Granted, by: "browser" | "paste" = "browser") => program.operate<{ url: string }>("/logins/remote/start", { by });

/** A browser that keeps our cookies. */
class TestBrowser {
  readonly #program: Granted;
  readonly #cookies = new Map<string, string>();

  constructor(program: Granted) {
    this.#program = program;
  }

  async get(url: string): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await this.#program.get(url.replace(this.#program.origin, ""), cookie === "" ? {} : { cookie });
    for (const set of answer.headers.getSetCookie()) this.#cookies.set(set.split("=", 1)[0] ?? "", set.split(";", 1)[0]?.replace(/^[^=]+=/, "") ?? "");
    return answer;
  }

  /** Goes where it is sent until that is no longer ours; gives that address. */
  async away(url: string): Promise<string> {
    const to = (await this.get(url)).headers.get("location") ?? "";
    return to.startsWith(this.#program.origin) || to.startsWith("/") ? this.away(new URL(to, this.#program.origin).href) : to;
  }
}

/** A browser that has come all the way to the authorization server, and where that sends it back to. */
async function wayBack({ program, guarded }: { readonly program: Granted; readonly guarded: Guarded }): Promise<{ browser: TestBrowser; back: URL }> {
  const browser = new TestBrowser(program);
  const { url } = await begun(program);
  return { browser, back: new URL(await guarded.visit(await browser.away(url))) };
}

async function until(program: Granted, state: string): Promise<void> {
  for (;;) {
    const { servers } = await program.operate<{ servers: { name: string; state: string }[] }>("/status");
    if (servers.find(({ name }) => name === "remote")?.state === state) return;
    await new Promise(setImmediate);
  }
}

async function logIn(place: { readonly program: Granted; readonly guarded: Guarded }): Promise<void> {
  const { browser, back } = await wayBack(place);
  expect((await browser.get(back.href)).status).toBe(200);
  await until(place.program, "ready");
}

/**
 * A proxy that everything would go to that leaves this computer, and a server beyond it that the operator wrote down, so
 * that it is seen to work.
 */
function trapped() {
  const came: string[] = [];
  const known = Promise.withResolvers<void>();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        const line = bytes.toString("latin1").split("\r\n", 1)[0] ?? "";
        came.push(line);
        if (line.includes("198.51.100.1")) known.resolve();
        socket.end();
      },
    },
  });
  const proxy = `http://127.0.0.1:${listener.port}`;
  return {
    env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
    more: { written: { url: "http://198.51.100.1/mcp" } },
    /** What came that the operator did not write down. */
    async others(): Promise<string[]> {
      await known.promise;
      return came.filter((line) => !line.includes("198.51.100.1"));
    },
    async [Symbol.asyncDispose]() {
      listener.stop(true);
    },
  };
}

const call = (program: Granted, token: string | null) => sendModern(program.at(token), { method: "tools/call", name: "remote__whoami", params: '"name":"remote__whoami"' });

describe("an authorization server", () => {
  /** What the operator's browser is answered who begins a login there, and how often anybody was asked for one. */
  async function refusalOf({ program, guarded }: Awaited<ReturnType<typeof withRemote>>, bends: Partial<Bends>): Promise<readonly [boolean, boolean, number]> {
    Object.assign(guarded.bends, { issuer: null, statedIssuer: null, statedResource: null, authorizationEndpoint: null, ...bends });
    const before = guarded.asked.filter(({ path }) => /^\/(authorize|token)/.test(path)).length;
    const isRefused = await begun(program, "paste").then(() => false, () => true);
    const answer = await new TestBrowser(program).get((await begun(program)).url);
    return [isRefused, answer.headers.get("location")?.startsWith(program.origin) ?? true, guarded.asked.filter(({ path }) => /^\/(authorize|token)/.test(path)).length - before];
  }

  test("45: where only we could reach it is not asked, and no browser is sent there", async () => {
    await using trap = trapped();
    await using place = await withRemote({}, {}, trap);
    await until(place.program, "needs-login");
    for (const issuer of ["http://10.0.0.1", "http://169.254.169.254", "https://192.168.0.1", "https://[fd00::1]", "https://100.64.0.1", "https://[::ffff:10.0.0.1]", "https://[64:ff9b::a00:1]", "https://[fe80::1]", "https://0x0a.1", "https://router", "https://nas.local", "https://db.internal", "http://example.com", "file:///etc/passwd"]) {
      expect([issuer, ...(await refusalOf(place, { issuer }))]).toEqual([issuer, true, true, 0]);
    }
    expect(await trap.others()).toEqual([]);
  });

  test("45: that a server's own challenge names so is not asked for its description either", async () => {
    await using trap = trapped();
    for (const where of ["http://169.254.169.254/latest/meta-data", "https://10.0.0.1/x", "http://[fd00::1]/x"]) {
      await using lying = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("no", { status: 401, headers: { "www-authenticate": `Bearer resource_metadata="${where}"` } }) });
      await using program = await startGranted({ config: { mcpServers: { remote: { url: `http://127.0.0.1:${lying.port}/mcp` }, ...trap.more } }, env: trap.env });
      await until(program, "needs-login");
      await expect(begun(program, "paste")).rejects.toThrow("LOGIN_FAILED");
    }
    expect(await trap.others()).toEqual([]);
  }, 20_000);

  test("46: whose documents name another one is not trusted", async () => {
    await using place = await withRemote();
    await until(place.program, "needs-login");
    const { origin } = place.guarded;
    for (const bends of [{ statedIssuer: "https://other.example" }, { statedIssuer: `${origin}.evil.example` }, { statedIssuer: `${origin}/x` }, { statedResource: "https://other.example/mcp" }, { statedResource: "http://127.0.0.1:1/mcp" }, { statedResource: `${origin}/mcp/other` }] satisfies Partial<Bends>[]) expect([bends, ...(await refusalOf(place, bends))]).toEqual([bends, true, true, 0]);
  });

  test("50: that would have a browser opened at something else than a web page is refused", async () => {
    await using place = await withRemote();
    await until(place.program, "needs-login");
    for (const authorizationEndpoint of ["javascript:alert(1)", "JavaScript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ms-settings:x", "vbscript:x", "http://login.example/x", "https://u:p@login.example/x", "x"]) expect([authorizationEndpoint, ...(await refusalOf(place, { authorizationEndpoint }))]).toEqual([authorizationEndpoint, true, true, 0]);
  });

  test("50: an address with a shell's characters in it is printed as one harmless line, and handed to an opener as one argument", async () => {
    await using place = await withRemote({ authorizationEndpoint: "https://login.example/a b;$(touch evil)`touch evil`&|\u001b[2J" });
    await until(place.program, "needs-login");
    const { url } = await begun(place.program, "paste");
    expect(url).toMatch(/^https:\/\/login\.example\/a%20b;\$\(touch%20evil\)[^\s"\u0000-\u001f]*$/);
    await using folder = await temporaryDir();
    const said = join(folder.path, "said");
    for (const name of ["xdg-open", "open"]) {
      await writeFile(join(folder.path, name), `#!/bin/sh\nprintf '%s|' "$#" "$1" > ${said}\n`);
      await chmod(join(folder.path, name), 0o755);
    }
    const opener = Bun.spawn([...programArgv(), "open", "--state-dir", join(place.program.dir, "state")], { cwd: folder.path, env: cleanEnv({ PATH: `${folder.path}:/usr/bin:/bin`, HOME: folder.path }), stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    await opener.exited;
    expect(await readFile(said, "utf8")).toMatch(/^1\|http:\/\/127\.0\.0\.1:\d+\/[^|\s]+\|$/);
    expect(await readdir(folder.path)).not.toContain("evil");
  });

  test("53: that a server names from now on gets nothing of what was agreed with the one before", async () => {
    await using place = await withRemote();
    await using other = createGuarded();
    await until(place.program, "needs-login");
    await logIn(place);
    const before = [...place.guarded.secrets];
    expect(place.guarded.count("/register")).toBe(1);
    place.guarded.bends.issuer = other.origin;
    const { url } = await begun(place.program, "paste");
    expect(url).toStartWith(other.origin);
    const back = new URL(await other.visit(url));
    await place.program.operate("/logins/remote/finish", { callbackUrl: back.href });
    expect([other.count("/register"), other.count("/token")]).toEqual([1, 1]);
    const there = other.asked.map(({ headers, body, path }) => JSON.stringify([...headers]) + body + path).join("\n");
    for (const secret of before) expect(there).not.toContain(secret);
  });

  test("53: that is not the one a written secret is for never sees it", async () => {
    await using other = createGuarded();
    await using place = await withRemote({}, { oauth: { clientId: "written", clientSecret: "s3cret-that-was-written" } });
    await until(place.program, "needs-login");
    await logIn(place);
    expect(place.guarded.asked.map(({ body }) => body).join("\n")).toContain("s3cret-that-was-written");
    place.guarded.bends.issuer = other.origin;
    await begun(place.program, "paste").then(async ({ url }) => place.program.operate("/logins/remote/finish", { callbackUrl: await other.visit(url) })).catch(() => undefined);
    expect(other.asked.map(({ headers, body, path }) => JSON.stringify([...headers]) + body + path).join("\n")).not.toContain("s3cret-that-was-written");
  });
});

describe("a browser that comes back", () => {
  let place: Awaited<ReturnType<typeof withRemote>>;
  beforeAll(async () => {
    place = await withRemote();
    await until(place.program, "needs-login");
  });
  afterAll(() => place[Symbol.asyncDispose]());

  test.each<[string, (back: URL) => void]>([
    ["without a state", (back) => back.searchParams.delete("state")],
    ["with an empty one", (back) => back.searchParams.set("state", "")],
    ["with another's", (back) => back.searchParams.set("state", "x".repeat(43))],
    ["with two states", (back) => back.searchParams.append("state", back.searchParams.get("state") ?? "")],
    ["with two codes", (back) => back.searchParams.append("code", "other")],
  ])("47: %s is refused, and nothing is asked for", async (_, bend) => {
    const before = place.guarded.count("/token");
    const { browser, back } = await wayBack(place);
    bend(back);
    expect([(await browser.get(back.href)).status, place.guarded.count("/token")]).toEqual([400, before]);
  });

  test("47: as another browser than went is refused; and so is the right one, the second time", async () => {
    const before = place.guarded.count("/token");
    const { browser, back } = await wayBack(place);
    expect([(await new TestBrowser(place.program).get(back.href)).status, place.guarded.count("/token")]).toEqual([400, before]);
    const again = await wayBack(place);
    expect((await again.browser.get(again.back.href)).status).toBe(200);
    expect([(await again.browser.get(again.back.href)).status, (await browser.get(back.href)).status, place.guarded.count("/token")]).toEqual([400, 400, before + 1]);
  });

  test("48: is believed as RFC 9207 says, by the name of who has sent it", async () => {
    const rows: readonly (readonly [Pick<Bends, "iss" | "namesItself">, boolean])[] = [
      [{ iss: "own", namesItself: true }, true],
      [{ iss: null, namesItself: false }, true],
      [{ iss: "own", namesItself: false }, true],
      [{ iss: null, namesItself: true }, false],
      [{ iss: "https://other.example", namesItself: true }, false],
      [{ iss: "https://other.example", namesItself: false }, false],
      [{ iss: `${place.guarded.origin}/`, namesItself: true }, false],
    ];
    for (const [bends, isTaken] of rows) {
      Object.assign(place.guarded.bends, bends);
      const before = place.guarded.count("/token");
      const { browser, back } = await wayBack(place);
      expect([bends, (await browser.get(back.href)).status, place.guarded.count("/token") - before]).toEqual([bends, ...(isTaken ? [200, 1] : [400, 0])]);
    }
    Object.assign(place.guarded.bends, rows[0]?.[0]);
  });
});

/** All text of the files below a folder. */
async function textIn(folder: string): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), "latin1")))).join("\n");
}

describe("what travels", () => {
  const foreign = { cookie: "sid=cookie-of-the-client", "proxy-authorization": "Basic proxy-of-the-client", "x-forwarded-for": "203.0.113.9", forwarded: "for=forwarded-of-the-client", "x-api-key": "key-of-the-client", "x-anything": "anything-of-the-client" };

  test("51: nothing by which a client is known reaches a server, with a login or without one, in either era", async () => {
    await using place = await withRemote();
    await using plain = createGuarded();
    plain.valid.add("");
    await until(place.program, "needs-login");
    await logIn(place);
    const { token } = await place.program.grant(["server:remote"]);
    const session = await openSession({ url: `${place.program.origin}/mcp`, token });
    await fetch(`${place.program.origin}/mcp`, { method: "POST", headers: { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${token}`, "mcp-session-id": session.id, "mcp-protocol-version": "2025-11-25", ...foreign }, body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"remote__whoami"}}' });
    const modern = await sendModern({ url: `${place.program.origin}/mcp`, token }, { method: "tools/call", name: "remote__whoami", params: '"name":"remote__whoami"', headers: foreign });
    expect(modern.text).toContain("called whoami");
    expect(place.guarded.asked.filter(({ body }) => body.includes("tools/call"))).toHaveLength(2);
    const there = place.guarded.asked.map(({ headers, body, path }) => JSON.stringify([...headers]) + body + path).join("\n");
    for (const secret of [token, session.id, "of-the-client", "203.0.113.9", String(place.program.token)]) expect([secret.slice(0, 12), there.includes(secret)]).toEqual([secret.slice(0, 12), false]);
    // And nothing of the server's comes here.
    for (const secret of place.guarded.secrets) expect(modern.text + JSON.stringify([...modern.headers])).not.toContain(secret);
  });

  test("52: what we hold for a server lies on the disk as ciphertext alone, and in no line of the log", async () => {
    await using place = await withRemote({}, {}, { args: ["--log-level", "debug"] });
    await until(place.program, "needs-login");
    await logIn(place);
    expect((await call(place.program, place.program.token)).text).toContain("called whoami");
    const kinds = place.guarded.secrets.map((secret) => secret.replace(/-\d.*/, ""));
    expect([...new Set(kinds)].sort()).toEqual(["access", "client-secret", "code", "refresh"]);
    const kept = await readdir(join(place.program.dir, "state", "logins"));
    expect(kept).toHaveLength(1);
    const there = (await textIn(place.program.dir)) + place.program.stderr();
    for (const secret of place.guarded.secrets) expect([secret.slice(0, 8), there.includes(secret)]).toEqual([secret.slice(0, 8), false]);
  });

  test("55: where everybody has a login of his own nobody acts with another's", async () => {
    await using place = await withRemote({}, { credentials: "per-user" });
    await until(place.program, "needs-login");
    await logIn(place);
    expect((await call(place.program, place.program.token)).text).toContain("called whoami");
    const { token: anna } = await place.program.grant(["server:remote"]);
    const { token: bert } = await place.program.grant(["server:remote"]);
    const before = place.guarded.asked.length;
    for (const token of [anna, bert]) {
      const { text } = await call(place.program, token);
      expect(text).toContain("LOGIN_NEEDED");
      expect(text).not.toContain("called whoami");
    }
    const since = place.guarded.asked.slice(before).filter(({ body }) => body.includes("tools/call"));
    expect(since.map(({ headers }) => headers.get("authorization")).filter((value) => value !== null)).toEqual([]);
    // A link of one opens nothing for the other, nor for a stranger.
    const page = /http:[^\s"\\]+\/connect\/remote\?link=[\w-]+/.exec((await call(place.program, anna)).text)?.[0] ?? "";
    expect(page).not.toBe("");
    for (const headers of [{}, { authorization: `Bearer ${bert}` }]) expect((await place.program.get(page.replace(place.program.origin, ""), headers)).status).toBe(401);
  });
});

test("45, 46: a server of ours that lies harms nobody else", async () => {
  const guarded = createGuarded({ issuer: "http://10.0.0.1", statedIssuer: "https://other.example" });
  await using program = await startGranted({ config: { mcpServers: { remote: { url: guarded.url }, alpha: fixture("owningServer.ts", ["alpha"]) } } });
  await begun(program, "paste").catch(() => undefined);
  expect((await sendModern(program.at(program.token), { method: "tools/call", name: "alpha__asked", params: '"name":"alpha__asked"' })).text).toContain("[]");
  await guarded[Symbol.asyncDispose]();
});
