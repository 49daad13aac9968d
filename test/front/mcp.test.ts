import { describe, expect, test } from "bun:test";
import type { HttpIn, HttpOut } from "../../src/era/index.ts";
import { defaultLimits, type LogFields, nullAudit, nullLog, systemClock } from "../../src/base/index.ts";
import { Door, idleSeconds, mcpPath, type Peer } from "../../src/front/mcp.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createKeeper } from "../fixtures/doorkeeper.ts";
import { openFront, post } from "../fixtures/front.ts";
import { Counter } from "../../src/base/meter.ts";
import type { Traffic } from "../../src/front/numbers.ts";
import { proxiesOf } from "../../src/front/proxies.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { createSmallEras, json, type SmallEras, streaming } from "../fixtures/smallEras.ts";

const auth = createKeeper({ callers: { "Bearer good": { ok: true, principal: { id: "me", scopes: null } } } });

describe("/mcp and /mcp/<server>", () => {
  test("hand on verb, headers, body, caller and selection, and give back status, headers and body as they are", async () => {
    const eras = createSmallEras(() => ({ status: 418, headers: { "X-Session": "s", "Content-Type": "application/json" }, body: '{"a":1.10}' }));
    await using front = await openFront({ eras, auth });
    const answer = await post(`${front.url}/my%20server`, '{"b":2}', { authorization: "Bearer good", "x-revision": "r" });
    expect([answer.status, answer.headers.get("x-session"), await answer.text()]).toEqual([418, "s", '{"a":1.10}']);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const [one] = eras.seen;
    expect(one).toMatchObject({ text: '{"b":2}', request: { verb: "POST", principal: { id: "me" }, selection: { server: "my server" } } });
    expect(one?.request.header("x-revision")).toBe("r");
  });

  test("serve GET and DELETE without a body", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    for (const method of ["GET", "DELETE"]) expect(await (await fetch(front.url, { method })).json()).toEqual({ verb: method, server: null, bytes: null });
  });

  test("know no other verb and say which they know", async () => {
    await using front = await openFront();
    for (const method of ["PUT", "PATCH", "HEAD"]) {
      const answer = await fetch(front.url, { method });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST, GET, DELETE, OPTIONS"]);
    }
    expect((await fetch(front.url, { method: "OPTIONS" })).status).toBe(204);
  });
});

describe("a selection in the query", () => {
  test("reaches whoever serves it with every verb, on both kinds of path, narrowed by what the proxy was started with", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras, presets: new Set(["dev"]), filter: "base" });
    await post(`${front.url}?preset=dev`);
    await post(`${front.url}/git?tags=a,b`);
    for (const method of ["GET", "DELETE"]) await fetch(`${front.url}?tag-filter=x`, { method });
    await post(front.url);
    expect(eras.seen.map(({ request }) => request.selection)).toEqual([
      { server: null, filter: "base && preset:dev" },
      { server: "git", filter: "base && (a || b)" },
      { server: null, filter: "base && x" },
      { server: null, filter: "base && x" },
      { server: null, filter: "base" },
    ]);
  });

  test("that cannot be read is answered with a status of 400 and its place, whatever the verb, and nobody reads the request", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    for (const [method, path] of [["POST", "/mcp"], ["GET", "/mcp"], ["DELETE", "/mcp/git"], ["GET", "/sse"], ["POST", "/messages"]] as const) {
      const answer = await fetch(`${front.origin}${path}?filter=a%20%26%20b`, { method, ...(method === "POST" ? { body: "{}", headers: { "content-type": "application/json" } } : {}) });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code: -32602, message: "the selection of servers cannot be used (filter, character 3: AND is written “&&”, “+” or “and”)", data: { code: "SELECTION_INVALID", parameter: "filter", position: 2 } } });
    }
    expect(eras.seen).toEqual([]);
  });

  test("is looked at after its sender: nobody else learns which presets there are", async () => {
    await using front = await openFront({ auth, presets: new Set(["dev"]) });
    for (const preset of ["dev", "gone"]) expect((await post(`${front.url}?preset=${preset}`)).status).toBe(401);
    expect((await post(`${front.url}?preset=gone`, "{}", { authorization: "Bearer good" })).status).toBe(400);
    expect((await post(`${front.url}?preset=dev`, "{}", { authorization: "Bearer good" })).status).toBe(200);
  });
});

describe("a request is refused in a fixed order, and then nobody reads it", () => {
  // Checklist: N16
  test("a foreign name before everything else", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras, auth });
    await using connection = await rawConnection(front.url);
    connection.write("POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Type: text/plain\r\nContent-Length: 5000000\r\n\r\n");
    const answer = await connection.until("ORIGIN_REFUSED");
    expect(answer).toStartWith("HTTP/1.1 403");
    expect(answer).toContain('"id":null');
    expect(eras.seen).toEqual([]);
  });

  test("two Host headers are a foreign name", async () => {
    await using front = await openFront();
    await using connection = await rawConnection(front.url);
    connection.write(`GET /mcp HTTP/1.1\r\nHost: ${front.host}\r\nHost: ${front.host}\r\n\r\n`);
    expect(await connection.until("\r\n")).toMatch(/^HTTP\/1.1 40[03]/);
  });

  test("then the size, then the token, before any byte of the body", async () => {
    await using front = await openFront({ auth });
    await using connection = await rawConnection(front.url);
    connection.write(`POST /mcp HTTP/1.1\r\nHost: ${front.host}\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n`);
    const answer = await connection.until("TOKEN_MISSING");
    expect(answer).toStartWith("HTTP/1.1 401");
    expect(answer.toLowerCase()).toContain('www-authenticate: bearer realm="x"');
    expect((await post(front.url, "x".repeat((4 << 20) + 1))).status).toBe(413);
    expect((await post(front.url, "{}", { authorization: "Bearer bad" })).status).toBe(401);
  });

  test("then the type", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    for (const headers of [{ "content-type": "text/plain" }, { "content-encoding": "gzip" }]) {
      const answer = await post(front.url, "{}", headers);
      expect([answer.status, ((await answer.json()) as { id: unknown }).id]).toEqual([415, null]);
    }
    expect(eras.seen).toEqual([]);
  });

  test("and it is logged with its client, without what it carried", async () => {
    const lines: unknown[][] = [];
    const take = (...line: unknown[]): void => void lines.push(line);
    const log = { debug: take, info: take, warn: take, error: take, with: () => log };
    await using front = await openFront({ auth, log });
    await post(front.url, "{}", { authorization: "Bearer very-secret" });
    expect(lines).toEqual([["request refused", { code: "TOKEN_INVALID", status: 401, client: "127.0.0.1" }]]);
  });

  test("and one that broke off is logged as such", async () => {
    const broken = Promise.withResolvers<unknown>();
    const log = { ...nullLog, info: (_: string, fields?: LogFields) => broken.resolve(fields) };
    await using front = await openFront({ log });
    await using connection = await rawConnection(front.url);
    connection.write(`POST /mcp HTTP/1.1\r\nHost: ${front.host}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{`);
    await connection.until("100 Continue");
    connection.cut();
    expect(await broken.promise).toEqual({ code: "MESSAGE_INVALID", status: 400, client: "gone" });
  });
});

/** How long a body may take. */
const bodySeconds = 10;
const traffic: Traffic = { received: new Counter(), sent: new Counter(), refused: () => undefined };

describe("the idle time-out", () => {
  const timeoutsOf = async (eras: SmallEras, request: Request): Promise<{ set: number[]; answer: Response }> => {
    const set: number[] = [];
    const gate = { hosts: null, origins: new Set<string>(), named: new Map<string, string>() };
    const door = new Door({ eras, auth, gate, traffic, proxies: proxiesOf([], { host: "127.0.0.1", port: 0 }), limits: defaultLimits, clock: systemClock, log: nullLog, audit: nullAudit });
    const peer: Peer = { timeout: (_, seconds) => void set.push(seconds), requestIP: () => null };
    return { set, answer: await door.handle(request, peer, mcpPath(eras, "any"), { server: null }) };
  };
  const call = (authorization: string): Request => new Request("http://x/mcp", { method: "POST", body: "{}", headers: { "content-type": "application/json", authorization } });

  test("is lifted when a request was read and back when it was answered", async () => {
    expect((await timeoutsOf(createSmallEras(), call("Bearer good"))).set).toEqual([bodySeconds, 0, idleSeconds]);
  });
  test("is back when a stream has ended, and not before", async () => {
    const { out, queue } = streaming();
    const { answer, set } = await timeoutsOf(createSmallEras(() => out), call("Bearer good"));
    expect(set).toEqual([bodySeconds, 0]);
    queue.end();
    await answer.text();
    expect(set).toEqual([bodySeconds, 0, idleSeconds]);
  });
  test("stays for whom nobody knows", async () => expect((await timeoutsOf(createSmallEras(), call("Bearer bad"))).set).toEqual([]));
});

test("on an address that others can reach only trusted proxies are served, and the log names their client", async () => {
  const eras = createSmallEras();
  const clients: unknown[] = [];
  const log = { ...nullLog, warn: (_: string, fields?: LogFields) => void clients.push(fields?.["code"], fields?.["client"]) };
  const gate = { hosts: new Set(["mcp.example"]), origins: new Set<string>(), named: new Map<string, string>() };
  const door = new Door({ eras, auth, gate, traffic, proxies: proxiesOf(["10.0.0.0/8"], { host: "0.0.0.0", port: 0 }), limits: defaultLimits, clock: systemClock, log, audit: nullAudit });
  const from = (address: string, host: string) => {
    const headers = { host, "content-type": "application/json", authorization: "Bearer good", "x-forwarded-for": "203.0.113.9" };
    const peer: Peer = { timeout: () => undefined, requestIP: () => ({ address }) };
    return door.handle(new Request("http://x/mcp", { method: "POST", body: "{}", headers }), peer, mcpPath(eras, "any"), { server: null });
  };
  expect((await from("10.0.0.2", "mcp.example")).status).toBe(200);
  expect((await from("10.0.0.2", "evil.example")).status).toBe(403);
  const refused = await from("192.0.2.1", "mcp.example");
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { data: { code: "PEER_REFUSED" } } }]);
  expect(eras.seen).toHaveLength(1);
  expect(clients).toEqual(["ORIGIN_REFUSED", "203.0.113.9", "PEER_REFUSED", "192.0.2.1"]);
});

describe("a client that goes away", () => {
  const request = (host: string): string => `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;

  test("while its call runs, is told to the call", async () => {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<HttpOut>();
    const eras = createSmallEras((inbound) => {
      inbound.onGone(gone.resolve);
      asked.resolve();
      return answer.promise;
    });
    await using front = await openFront({ eras });
    const connection = await rawConnection(front.url);
    connection.write(request(front.host));
    await asked.promise;
    connection.cut();
    await gone.promise;
    answer.resolve(json("{}"));
    expect((await fetch(`${front.origin}/health`)).status).toBe(200);
  });

  test("while it is streamed to, ends the stream", async () => {
    const cancelled = Promise.withResolvers<void>();
    const { out, queue } = streaming({ onCancel: cancelled.resolve });
    const gone = Promise.withResolvers<void>();
    await using front = await openFront({
      eras: createSmallEras((inbound) => {
        inbound.onGone(gone.resolve);
        return out;
      }),
    });
    const connection = await rawConnection(front.url);
    connection.write(request(front.host));
    queue.push("data: 1\n\n");
    await connection.until("data: 1");
    connection.cut();
    await Promise.all([cancelled.promise, gone.promise]);
    expect(queue.push("data: 2\n\n")).toBe(false);
  });

  test("after its answer, is nobody's loss", async () => {
    let told = 0;
    const second = Promise.withResolvers<HttpIn>();
    const eras = createSmallEras((inbound) => {
      if (eras.seen.length === 2) second.resolve(inbound);
      inbound.onGone(() => (told += 1));
      return json("{}");
    });
    await using front = await openFront({ eras });
    const connection = await rawConnection(front.url);
    connection.write(request(front.host));
    await connection.until("{}");
    connection.cut();
    await post(front.url);
    await second.promise;
    expect(told).toBe(0);
  });
});

describe("the guard", () => {
  test("is asked with the endpoint's own name, as its client wrote it", async () => {
    const keeper = createKeeper({ callers: { "Bearer good": { ok: true, principal: { id: "me", scopes: null } } } });
    await using front = await openFront({ auth: keeper, publicUrl: "https://mcp.example/x", allowedHosts: ["other.example:8443", "localhost:9"] });
    const port = new URL(front.origin).port;
    const ask = async (path: string, host: string): Promise<string | undefined> => {
      await fetch(front.origin + path, { method: "POST", body: "{}", headers: { host, "content-type": "application/json", authorization: "Bearer good" } });
      return keeper.asked.at(-1)?.resource;
    };
    expect(await ask("/mcp", front.host)).toBe(`${front.origin}/mcp`);
    expect(await ask("/mcp/one", `LOCALHOST:${port}`)).toBe(`http://localhost:${port}/mcp/one`);
    expect(await ask("/messages/one?sessionId=s", front.host)).toBe(`${front.origin}/sse/one`);
    expect([await ask("/mcp", "mcp.example"), await ask("/mcp", "mcp.example:443")]).toEqual(["https://mcp.example/mcp", "https://mcp.example/mcp"]);
    expect([await ask("/mcp", "other.example:8443"), await ask("/mcp", "localhost:9")]).toEqual(["https://other.example:8443/mcp", "http://localhost:9/mcp"]);
  });

  test("may take its time, where another has to be asked", async () => {
    await using front = await openFront({ auth: createKeeper({ verify: async ({ authorization }) => (authorization === "Bearer jwt" ? { ok: true, principal: { id: "g", scopes: [] } } : { ok: false, code: "TOKEN_INVALID", challenge: "Bearer x" }) }) });
    expect([(await post(front.url, "{}", { authorization: "Bearer jwt" })).status, (await post(front.url, "{}", { authorization: "Bearer no" })).status]).toEqual([200, 401]);
  });

  test("a refusal for lack of scope says which there have to be", async () => {
    const eras = createSmallEras(() => ({ status: 403, headers: { "content-type": "application/json" }, body: "{}", scopes: ["server:x", "tag:y"] }));
    await using front = await openFront({ auth, eras });
    const answer = await post(front.url, "{}", { authorization: "Bearer good" });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([403, `Bearer error="insufficient_scope", scope="server:x tag:y", resource_metadata="${front.url}"`]);
  });

  test("lets a grant ask so many times a minute, and the operator without end", async () => {
    const callers = { "Bearer good": { ok: true, principal: { id: "me", scopes: null } }, "Bearer user": { ok: true, principal: { id: "u", scopes: [] } } } as const;
    await using front = await openFront({ auth: createKeeper({ callers }), limits: { ...defaultLimits, requestsPerMinuteMax: 2 } });
    const ask = async (who: string): Promise<number> => (await post(front.url, "{}", { authorization: `Bearer ${who}` })).status;
    expect([await ask("user"), await ask("user"), await ask("user")]).toEqual([200, 200, 429]);
    expect([await ask("good"), await ask("good"), await ask("good")]).toEqual([200, 200, 200]);
  });
});

describe("a grant that ends", () => {
  const callers = { "Bearer user": { ok: true, principal: { id: "u", scopes: [] } }, "Bearer other": { ok: true, principal: { id: "o", scopes: [] } } } as const;

  test("takes what is being answered with it, and its sessions", async () => {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<HttpOut>();
    const eras = createSmallEras((request) => {
      request.onGone(() => gone.resolve({ status: 499, headers: {}, body: null }));
      asked.resolve();
      return gone.promise;
    });
    const keeper = createKeeper({ callers });
    await using front = await openFront({ auth: keeper, eras });
    const answer = post(front.url, "{}", { authorization: "Bearer user" });
    await asked.promise;
    keeper.end(["u"]);
    expect([(await answer).status, eras.ended]).toEqual([401, ["u"]]);
  });

  test("takes a stream with it that was only just opened", async () => {
    let cancelled = false;
    const { out } = streaming({ onCancel: () => (cancelled = true) });
    const keeper = createKeeper({ callers });
    const eras = createSmallEras(() => {
      keeper.end(["u"]);
      return out;
    });
    await using front = await openFront({ auth: keeper, eras });
    expect([(await post(front.url, "{}", { authorization: "Bearer user" })).status, cancelled]).toEqual([401, true]);
  });

  test("while its request is still on the way, lets nothing of it through; others are not kept by that", async () => {
    let valid = true;
    const keeper = createKeeper({ verify: ({ authorization }) => (authorization === "Bearer other" || valid ? { ok: true, principal: { id: authorization ?? "", scopes: [] } } : { ok: false, code: "TOKEN_INVALID", challenge: "Bearer x" }) });
    const eras = createSmallEras();
    await using front = await openFront({ auth: keeper, eras });
    const begin = async (who: string) => {
      const connection = await rawConnection(front.url);
      connection.write(`POST /mcp HTTP/1.1\r\nHost: ${front.host}\r\nAuthorization: Bearer ${who}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
      await connection.until("100 Continue");
      return connection;
    };
    await using user = await begin("user");
    await using other = await begin("other");
    valid = false;
    keeper.end(["Bearer user"]);
    user.write("{}");
    expect(await user.until("TOKEN_INVALID")).toContain(" 401 ");
    expect(eras.seen).toEqual([]);
    other.write("{}");
    expect(await other.until('"verb"')).toContain(" 200 ");
  });

  test("by its own time ends the streams that stand, and calls run on", async () => {
    const clock = createTestClock();
    const { out } = streaming();
    const { out: answer, queue } = streaming();
    const ended = Promise.withResolvers<void>();
    const eras = createSmallEras((request) => {
      if (request.verb === "POST") return answer;
      request.onGone(() => ended.resolve());
      return { ...out, standing: true } as HttpOut;
    });
    const keeper = createKeeper({ callers: { "Bearer user": { ok: true, principal: { id: "u", scopes: [] }, expiresAt: clock.now() + 5_000 } } });
    await using front = await openFront({ auth: keeper, eras, clock });
    const headers = { authorization: "Bearer user" };
    const standing = await fetch(front.url, { headers });
    const calling = await post(front.url, "{}", headers);
    await clock.advance(5_000);
    await ended.promise;
    queue.push("data: late\n\n");
    queue.end();
    expect(await calling.text()).toContain("late");
    await standing.body?.cancel();
  });

  test("streams that stand are limited for each grant", async () => {
    const eras = createSmallEras(() => ({ ...streaming().out, standing: true }) as HttpOut);
    await using front = await openFront({ auth: createKeeper({ callers }), eras, limits: { ...defaultLimits, streamsPerGrantMax: 1 } });
    const open = (who: string): Promise<Response> => fetch(front.url, { headers: { authorization: `Bearer ${who}` } });
    const [first, second, other] = [await open("user"), await open("user"), await open("other")];
    expect([first.status, second.status, other.status]).toEqual([200, 429, 200]);
    for (const one of [first, other]) await one.body?.cancel();
  });
});
