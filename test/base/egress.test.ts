import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEgress, defaultLimits, type EgressReply, type Fault, sendOverSocket } from "../../src/base/index.ts";
import { certified } from "../fixtures/certificates.ts";
import { createFeed, createPeer, never } from "../fixtures/peer.ts";

const make = (fetchesMax: number = defaultLimits.fetchesMax, env: Record<string, string> = {}) => createEgress({ limits: { ...defaultLimits, fetchesMax }, env });
const initOf = (more: { method?: "GET" | "POST" | "DELETE"; body?: string; headers?: Record<string, string>; signal?: AbortSignal } = {}) => ({
  method: "POST" as const,
  headers: {},
  signal: new AbortController().signal,
  backend: "b",
  ...more,
});
const textOf = async (reply: EgressReply): Promise<string> => new TextDecoder().decode(await reply.all(1_000_000));
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
// 0: everything takes the way of node:http.
const ways = [["fetch", defaultLimits.fetchesMax], ["node:http", 0]] as const;

for (const [way, max] of ways) {
  test(`by ${way}, a certificate is shown where one is wanted, to whom alone it is for, and no connection is shared with who shows none`, async () => {
    const [server, client] = [await certified("localhost"), await certified("client")];
    const peer = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true }, fetch: () => new Response("in") });
    const url = `https://127.0.0.1:${peer.port}/`;
    const egress = make(max);
    const ask = (tls: object) => egress.send(url, { ...initOf(), tls });
    try {
      for (let again = 0; again < 2; again += 1) {
        expect(await textOf(await ask({ ...client, ca: server.cert }))).toBe("in");
        const unwanted = await failure(ask({ ca: server.cert }));
        expect(unwanted).toMatchObject({ backend: "b" });
        expect(unwanted.message).not.toContain("its certificate");
        // Whom the system does not trust is nobody.
        expect((await failure(ask(client))).code).toBe("BACKEND_DOWN");
        expect(await failure(ask({ ...(await certified("stranger")), ca: server.cert }))).toMatchObject({ backend: "b" });
      }
    } finally {
      await peer.stop(true);
    }
  });

  test(`by ${way}, method, headers and body go out, and status, headers and body come back`, async () => {
    await using peer = createPeer(({ body }) => new Response(`got ${body}`, { status: 418, headers: { "X-Kind": "teapot" } }));
    const reply = await make(max).send(`${peer.url}/a?b=c`, initOf({ body: "ü", headers: { "x-mine": "yes" } }));
    expect([reply.status, reply.header("x-kind"), reply.header("x-none"), await textOf(reply)]).toEqual([418, "teapot", null, "got ü"]);
    expect(peer.seen[0]).toMatchObject({ method: "POST", path: "/a?b=c", body: "ü" });
    expect([peer.seen[0]?.headers.get("x-mine"), peer.seen[0]?.headers.get("accept-encoding")]).toEqual(["yes", "identity"]);
  });

  test(`by ${way}, a body is read as it comes`, async () => {
    const feed = createFeed({});
    await using peer = createPeer(() => feed.response);
    feed.send("one");
    const reply = await make(max).send(peer.url, initOf());
    expect(Buffer.from((await reply.read()) ?? []).toString()).toBe("one");
    feed.send("two");
    expect(Buffer.from((await reply.read()) ?? []).toString()).toBe("two");
    feed.end();
    expect(await reply.read()).toBeNull();
  });

  test(`by ${way}, a body beyond the bound is refused, with and without a stated length`, async () => {
    const big = "x".repeat(300_000);
    await using peer = createPeer(({ path }) => (path === "/stated" ? new Response(big) : new Response(new Blob([big]).stream())));
    for (const path of ["/stated", "/streamed"]) {
      const reply = await make(max).send(peer.url + path, initOf());
      expect((await failure(reply.all(200_000))).code).toBe("BACKEND_GARBLED");
      expect((await (await make(max).send(peer.url + path, initOf())).all(300_000)).length).toBe(300_000);
    }
  });

  test(`by ${way}, a redirect is refused and not followed`, async () => {
    await using other = createPeer(() => new Response("stolen"));
    await using peer = createPeer(() => new Response(null, { status: 307, headers: { location: `${other.url}/x?secret=1` } }));
    const refused = await failure(make(max).send(peer.url, initOf({ body: "x", headers: { authorization: "Bearer t" } })));
    expect(refused.code).toBe("BACKEND_REFUSED");
    expect(refused.message).toContain(other.url);
    expect(refused.message).not.toContain("secret");
    expect(other.seen).toEqual([]);
  });

  test(`by ${way}, aborting ends the request at both ends`, async () => {
    const gone = Promise.withResolvers<void>();
    await using peer = createPeer(({ signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      controller.abort();
      return never();
    });
    const controller = new AbortController();
    expect((await failure(make(max).send(peer.url, initOf({ signal: controller.signal })))).code).toBe("CALL_CANCELLED");
    await gone.promise;
  });

  test(`by ${way}, cancelling an answer lets the other end know`, async () => {
    const feeds = [createFeed({}), createFeed({})];
    let next = 0;
    await using peer = createPeer(() => feeds[next++]?.response ?? new Response());
    for (const [index, feed] of feeds.entries()) {
      feed.send("x");
      const reply = await make(max).send(peer.url, initOf());
      if (index === 1) await reply.read();
      reply.cancel();
      await feed.gone;
    }
  });

  test(`by ${way}, a connection that cannot be made was not sent, one that breaks may have been`, async () => {
    const closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket) => void socket.end() } });
    const broken = await failure(make(max).send(`http://127.0.0.1:${closed.port}/?key=secret`, initOf({ body: "x" })));
    expect(broken).toMatchObject({ code: "BACKEND_GONE", data: { sent: true } });
    closed.stop(true);
    const refused = await failure(make(max).send(`http://127.0.0.1:${closed.port}/?key=secret`, initOf({ body: "x" })));
    expect(refused).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false } });
    expect(Bun.inspect([broken, refused])).not.toContain("secret");
  });

  test(`by ${way}, an answer that breaks off is noticed`, async () => {
    const cut = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
          socket.end();
        },
      },
    });
    const egress = make(max);
    const url = `http://127.0.0.1:${cut.port}`;
    const whole = egress.send(url, initOf()).then((reply) => reply.all(1000));
    expect((await failure(whole)).code).toBe("BACKEND_GONE");
    const pieces = egress.send(url, initOf()).then(async (reply) => {
      while ((await reply.read()) !== null);
    });
    expect((await failure(pieces)).code).toBe("BACKEND_GONE");
    cut.stop(true);
  });

  test(`by ${way}, a header or URL that cannot be sent is the entry's fault`, async () => {
    expect((await failure(make(max).send("http://127.0.0.1:1/", initOf({ headers: { "x-a": "b\r\nc" } })))).code).toBe("BACKEND_MISCONFIGURED");
  });
}

test("hundreds of requests that are never answered do not keep a further one from its answer", async () => {
  const arrived = Promise.withResolvers<void>();
  let waiting = 0;
  await using peer = createPeer(({ path }) => {
    if (path !== "/hang") return new Response("quick");
    if (++waiting === 400) arrived.resolve();
    return never();
  });
  const egress = make();
  const controller = new AbortController();
  const hanging = Array.from({ length: 400 }, () => failure(egress.send(`${peer.url}/hang`, initOf({ signal: controller.signal }))));
  await arrived.promise;
  expect(await textOf(await egress.send(peer.url, initOf()))).toBe("quick");
  controller.abort();
  expect(new Set((await Promise.all(hanging)).map(({ code }) => code))).toEqual(new Set(["CALL_CANCELLED"]));
});

test("standing streams do not count against the quick client", async () => {
  const feeds: ReturnType<typeof createFeed>[] = [];
  await using peer = createPeer(({ path }) => {
    if (path !== "/stream") return new Response("quick");
    const feed = createFeed();
    feeds.push(feed);
    feed.send(": open\n\n");
    return feed.response;
  });
  const egress = make(1);
  const controller = new AbortController();
  const streams = await Promise.all(Array.from({ length: 300 }, () => egress.openStream(`${peer.url}/stream`, initOf({ method: "GET", signal: controller.signal }))));
  expect(streams.every(({ status }) => status === 200)).toBe(true);
  expect(await textOf(await egress.send(peer.url, initOf()))).toBe("quick");
  controller.abort();
});

test("a slot of the quick client comes back however an answer ends", async () => {
  await using peer = createPeer(({ path }) => {
    if (path === "/none") return new Response(null, { status: 202 });
    if (path === "/moved") return new Response(null, { status: 302, headers: { location: "/x" } });
    if (path !== "/open") return new Response("x".repeat(100));
    const feed = createFeed({});
    feed.send("x");
    return feed.response;
  });
  // With a proxy there is no other client, so a slot that is lost shows. This process itself has none set.
  const egress = make(1, { HTTP_PROXY: "http://127.0.0.1:9" });
  const url = peer.url.replace("127.0.0.1", "0.0.0.0");
  const ways: Record<string, () => Promise<unknown>> = {
    async aborted() {
      const controller = new AbortController();
      const reply = await egress.send(`${url}/open`, initOf({ signal: controller.signal }));
      expect((await failure(egress.send(url, initOf()))).code).toBe("BACKEND_BUSY");
      controller.abort();
      expect((await failure(reply.all(100))).code).toBe("CALL_CANCELLED");
    },
    empty: async () => (await egress.send(`${url}/none`, initOf())).read(),
    whole: async () => (await egress.send(url, initOf())).all(100),
    tooLarge: async () => failure((await egress.send(url, initOf())).all(10)),
    async pieces() {
      const reply = await egress.send(url, initOf());
      while ((await reply.read()) !== null);
    },
    cancelled: async () => (await egress.send(`${url}/open`, initOf())).cancel(),
    redirected: () => failure(egress.send(`${url}/moved`, initOf())),
    refused: () => failure(egress.send("http://0.0.0.0:1/", initOf())),
  };
  for (const [way, run] of Object.entries(ways)) {
    await run();
    expect([way, (await textOf(await egress.send(url, initOf()))).length]).toEqual([way, 100]);
  }
});

test("a proxy variable does not send loopback traffic to the proxy", async () => {
  await using peer = createPeer(() => new Response("direct"));
  const program = `
    import { createEgress, defaultLimits } from ${JSON.stringify(new URL("../../src/base/index.ts", import.meta.url).pathname)};
    const egress = createEgress({ limits: { ...defaultLimits, fetchesMax: Number(process.argv[2]) }, env: process.env });
    const init = { method: "POST", headers: {}, body: "x", signal: new AbortController().signal, backend: "b" };
    const reply = await egress.send(process.argv[1], init).catch((thrown) => thrown);
    console.log(reply.code ?? new TextDecoder().decode(await reply.all(100)));`;
  await using proxy = createPeer(({ path }) => new Response(`through the proxy: ${path}`));
  const run = async (url: string, max: number): Promise<string> => {
    const child = Bun.spawn([process.execPath, "-e", program, url, String(max)], { env: { PATH: process.env["PATH"] ?? "", HTTP_PROXY: proxy.url, http_proxy: proxy.url }, stdout: "pipe" });
    return (await new Response(child.stdout).text()).trim();
  };
  expect(await run(peer.url, 10)).toBe("direct");
  expect(await run(peer.url, 0)).toBe("direct");
  expect(await run("http://backend.invalid/x", 10)).toStartWith("through the proxy");
  expect(await run("http://backend.invalid/x", 0)).toBe("BACKEND_BUSY");
});

test("an address that may not be sent anything now is sent nothing", async () => {
  await using peer = createPeer(() => new Response("here"));
  const admitted = new Set([peer.url]);
  const egress = createEgress({ limits: defaultLimits, env: {}, admits: (url) => admitted.has(url) });
  expect(await textOf(await egress.send(peer.url, initOf()))).toBe("here");
  expect(await textOf(await egress.openStream(peer.url, initOf()))).toBe("here");
  admitted.clear();
  for (const refused of [egress.send(peer.url, initOf()), egress.openStream(peer.url, initOf())]) {
    expect(await failure(refused)).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false } });
  }
  expect(peer.seen).toHaveLength(2);
});

test("our own door is asked whatever certificate it shows; anybody else's must be vouched for", async () => {
  const { cert, key } = await certified("door.test");
  await using door = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: { cert, key }, fetch: () => new Response("open") });
  const ask = (acceptsAnyone: boolean) => createEgress({ limits: defaultLimits, env: {}, acceptsAnyone }).send(door.url.href, initOf({ method: "GET" }));
  expect(await textOf(await ask(true))).toBe("open");
  expect((await failure(ask(false))).message).toContain("certificate is not accepted");
});

test("over a socket of this machine, somebody is asked whatever the URL's host, and nobody there was not sent to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-"));
  const unix = join(folder, "s.sock");
  const server = Bun.serve({ unix, fetch: async (request) => new Response(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`) });
  try {
    const reply = await sendOverSocket(unix, "http://nobody/path", initOf({ method: "POST", body: "text" }));
    expect(await textOf(reply)).toBe("POST /path text");
    expect(await failure(sendOverSocket(join(folder, "none"), "http://nobody/", initOf()))).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false } });
  } finally {
    await server.stop(true);
    await rm(folder, { recursive: true });
  }
});
