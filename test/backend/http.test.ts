import { expect, test } from "bun:test";
import { type Fault, Secret } from "../../src/base/index.ts";
import { type Message, rawOf } from "../../src/protocol/index.ts";
import { createFeed, createPeer, event, never, type Seen } from "../fixtures/peer.ts";
import { openRemote } from "../fixtures/remote.ts";

const json = (text: string, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(text, { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } });
const idOf = ({ body }: Seen): number => (JSON.parse(body) as { id: number }).id;
const result = (id: number, text = '{"ok":true}'): string => `{"jsonrpc":"2.0","id":${id},"result":${text}}`;
const note = (method: string): string => `{"jsonrpc":"2.0","method":"${method}"}`;
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const textOf = (message: Message | null): string => (message?.kind === "result" ? rawOf(message.result) : `no result: ${message?.kind}`);

test("a request goes out with the dialect's headers over the configured ones, and its JSON answer comes back with status and headers", async () => {
  await using peer = createPeer((seen) => json(result(idOf(seen), '{"n":1.10}'), 200, { "X-Session": "s1" }));
  await using remote = openRemote(`${peer.url}/mcp?key=k`, { headers: { Authorization: new Secret("Bearer t"), "X-Mode": "configured", Accept: "nothing" } });
  const reply = await remote.ask("m", { "x-mode": "dialect" });
  expect([reply.status, reply.header("x-session"), textOf(reply.message), reply.text]).toEqual([200, "s1", '{"n":1.10}', ""]);
  const seen = peer.seen[0];
  expect(seen?.path).toBe("/mcp?key=k");
  expect(["authorization", "x-mode", "accept", "content-type"].map((name) => seen?.headers.get(name))).toEqual(["Bearer t", "dialect", "application/json, text/event-stream", "application/json"]);
});

test("messages on a request's own stream belong to it, before its response", async () => {
  await using peer = createPeer((seen) => {
    const feed = createFeed();
    feed.send(`: comment\n\n${event(note("first"))}${event('{"jsonrpc":"2.0","id":"q","method":"ask"}')}${event("", "event: other\n")}${event(result(idOf(seen)))}`);
    feed.end();
    return feed.response;
  });
  await using remote = openRemote(peer.url);
  const came: string[] = [];
  const reply = await remote.ask("m", {}, 10_000, (message) => came.push(message.kind));
  expect(textOf(reply.message)).toBe('{"ok":true}');
  expect(came).toEqual(["notification", "request"]);
  expect(remote.messages).toEqual([]);
  await remote.ask();
  expect(remote.messages).toHaveLength(2);
});

test("a batch as answer comes apart", async () => {
  await using peer = createPeer((seen) => json(`[${note("n")},${result(idOf(seen))}]`));
  await using remote = openRemote(peer.url);
  expect(textOf((await remote.ask()).message)).toBe('{"ok":true}');
  expect(remote.messages).toMatchObject([{ method: "n" }]);
});

test("an error without id answers the request in whose body it came", async () => {
  await using peer = createPeer(() => json('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}', 400));
  await using remote = openRemote(peer.url);
  expect(await remote.ask()).toMatchObject({ status: 400, message: { kind: "failure", error: { code: -32600 } } });
});

test("an answer without message keeps its status and the beginning of its text", async () => {
  await using peer = createPeer(({ path }) => (path === "/html" ? new Response(`<h1>${"no".repeat(5000)}`, { status: 404, headers: { "content-type": "text/html" } }) : new Response(null, { status: 202 })));
  await using html = openRemote(`${peer.url}/html`);
  const reply = await html.ask();
  expect([reply.status, reply.message, reply.text.length, reply.text.slice(0, 6)]).toEqual([404, null, 2048, "<h1>no"]);
  await using empty = openRemote(`${peer.url}/empty`);
  expect(await empty.ask()).toMatchObject({ status: 202, message: null, text: "" });
});

test("a success that is no answer is garbled", async () => {
  const bodies: Record<string, () => Response> = {
    "/html": () => new Response("<h1>login</h1>", { headers: { "content-type": "text/html" } }),
    "/other": () => json(result(4711)),
    "/half": () => json('{"jsonrpc":"2.0","id":1,"resu'),
    "/bytes": () => new Response(Uint8Array.of(0x7b, 0xff, 0x7d), { headers: { "content-type": "application/json" } }),
    "/large": () => json(`"${"x".repeat(5000)}"`),
    "/event": () => new Response(event("{"), { headers: { "content-type": "text/event-stream" } }),
    "/longEvent": () => new Response(event("x".repeat(5000)), { headers: { "content-type": "text/event-stream" } }),
  };
  await using peer = createPeer(({ path }) => bodies[path]?.() ?? new Response());
  for (const path of Object.keys(bodies)) {
    await using remote = openRemote(peer.url + path, {}, { messageBytesMax: 4096 });
    expect([path, (await failure(remote.ask())).code]).toEqual([path, "BACKEND_GARBLED"]);
  }
});

test("a stream that ends or breaks before the response ends the call, sent", async () => {
  await using peer = createPeer(({ path }) => {
    const feed = createFeed();
    feed.send(event(note("n")));
    if (path === "/end") feed.end();
    else setImmediate(feed.fail);
    return feed.response;
  });
  for (const path of ["/end", "/break"]) {
    await using remote = openRemote(peer.url + path);
    expect(await failure(remote.ask())).toMatchObject({ code: "BACKEND_GONE", data: { sent: true } });
  }
});

test("a stream that ends in order after an event with an id says where to resume", async () => {
  await using peer = createPeer(() => new Response(`id: e7\nretry: 250\ndata:\n\n`, { headers: { "content-type": "text/event-stream" } }));
  await using remote = openRemote(peer.url);
  expect(await remote.ask()).toMatchObject({ status: 200, message: null, resume: { lastEventId: "e7", retryMs: 250 } });
});

test("a call ends at its deadline, or when abandoned, and its connection with it", async () => {
  const gone: string[] = [];
  const both = Promise.withResolvers<void>();
  await using peer = createPeer(({ path, signal }) => {
    signal.addEventListener("abort", () => {
      if (gone.push(path) === 2) both.resolve();
    });
    if (path === "/abandon") abandoned.link.abandon(1);
    return never();
  });
  await using late = openRemote(`${peer.url}/late`);
  await using abandoned = openRemote(`${peer.url}/abandon`);
  expect((await failure(late.ask("m", {}, 20))).code).toBe("BACKEND_TIMEOUT");
  expect((await failure(abandoned.ask())).code).toBe("CALL_CANCELLED");
  await both.promise;
  expect([late.link.inFlight, abandoned.link.inFlight]).toEqual([0, 0]);
});

test("a stream that stays open after the response is cut", async () => {
  let feed = createFeed();
  await using peer = createPeer((seen) => {
    feed = createFeed();
    feed.send(event(result(idOf(seen))));
    return feed.response;
  });
  await using remote = openRemote(peer.url, {}, { trailMsMax: 10 });
  expect(textOf((await remote.ask()).message)).toBe('{"ok":true}');
  await feed.gone;
});

test("a server that is not there tells the owner of the link, once it is used", async () => {
  const url = await (async () => {
    await using peer = createPeer(() => new Response());
    return peer.url;
  })();
  await using remote = openRemote(url);
  await remote.link.open();
  expect(await failure(remote.ask())).toMatchObject({ code: "BACKEND_DOWN", data: { sent: false } });
  expect(await remote.fell).toBe("the server is not available (no connection: ECONNREFUSED)");
});

test("a connection that cannot be made does not end the calls that are running", async () => {
  const answers = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<void>();
  // One connection is taken and kept, then nobody listens any more.
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        waiting.resolve();
        void answers.promise.then(() => socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${result(1).length}\r\n\r\n${result(1)}`));
      },
    },
  });
  await using remote = openRemote(`http://127.0.0.1:${server.port}`);
  let fell = 0;
  remote.link.onDown = () => void (fell += 1);
  const running = remote.ask();
  await waiting.promise;
  server.stop();
  expect((await failure(remote.ask())).code).toBe("BACKEND_DOWN");
  expect(fell).toBe(0);
  answers.resolve();
  expect(textOf((await running).message)).toBe('{"ok":true}');
});

test("notifications are handed over on any success and refused on anything else", async () => {
  await using peer = createPeer(({ path }) => new Response("gone", { status: path === "/ok" ? 202 : 404 }));
  await using ok = openRemote(`${peer.url}/ok`);
  await ok.link.send(note("n"), { "x-session": "s" });
  expect(peer.seen[0]).toMatchObject({ method: "POST", body: note("n") });
  expect(peer.seen[0]?.headers.get("x-session")).toBe("s");
  await using no = openRemote(`${peer.url}/no`);
  expect(await failure(no.link.send(note("n"), {}))).toMatchObject({ code: "BACKEND_REFUSED", data: { status: 404 } });
});

test("a standing stream delivers all messages until it ends, and says where to resume", async () => {
  const feed = createFeed();
  feed.send(`id: 1\n${event(note("a"))}`);
  await using peer = createPeer(() => feed.response);
  await using remote = openRemote(peer.url);
  const two = Promise.withResolvers<void>();
  remote.link.onMessage = (message) => {
    if (remote.messages.push(message) === 2) two.resolve();
  };
  const ended = Promise.withResolvers<unknown>();
  expect(await remote.link.listen?.({ "last-event-id": "0" }, (...end) => ended.resolve(end))).toBe(200);
  expect(peer.seen[0]).toMatchObject({ method: "GET" });
  expect(peer.seen[0]?.headers.get("last-event-id")).toBe("0");
  feed.send(`id: 2\nretry: 70\n${event(result(99))}`);
  await two.promise;
  expect(remote.messages.map(({ kind }) => kind)).toEqual(["notification", "result"]);
  feed.fail();
  expect(await ended.promise).toEqual(["2", 70]);
});

test("a standing stream that is not offered is told by its status, a page instead of one too", async () => {
  await using peer = createPeer(({ path }) => new Response("x", { status: path === "/405" ? 405 : 200, headers: { "content-type": "text/html" } }));
  for (const path of ["/405", "/page"]) {
    await using remote = openRemote(peer.url + path);
    expect(await remote.link.listen?.({}, () => undefined)).toBe(405);
  }
  await using nowhere = openRemote("http://127.0.0.1:1/");
  expect((await failure(nowhere.link.listen?.({}, () => undefined) ?? never())).code).toBe("BACKEND_DOWN");
});

test("closing ends what is open, without a word on streams, and nothing can be opened any more", async () => {
  const feed = createFeed();
  feed.send(": open\n\n");
  const hanging = Promise.withResolvers<void>();
  await using peer = createPeer(({ method }) => {
    if (method === "GET") return feed.response;
    hanging.resolve();
    return never();
  });
  const remote = openRemote(peer.url);
  let ends = 0;
  await remote.link.listen?.({}, () => (ends += 1));
  const call = failure(remote.ask());
  await hanging.promise;
  await remote.link.close();
  expect((await call).code).toBe("BACKEND_GONE");
  await feed.gone;
  expect(ends).toBe(0);
  expect(await failure(remote.ask())).toMatchObject({ code: "BACKEND_GONE", data: { sent: false } });
  await remote.link.close();
});

test("leaving is a DELETE, and waits for nobody for long", async () => {
  await using peer = createPeer(({ path }) => (path === "/hang" ? never() : new Response(null, { status: 204 })));
  await using remote = openRemote(peer.url);
  await remote.link.drop?.({ "x-session": "s" });
  expect(peer.seen[0]?.method).toBe("DELETE");
  await using slow = openRemote(`${peer.url}/hang`, {}, { stdinEndMs: 10 });
  expect((await failure(slow.link.drop?.({}) ?? never())).code).toBe("BACKEND_TIMEOUT");
});

test("closing does not wait for a stream that names no endpoint", async () => {
  await using peer = createPeer(() => never());
  await using remote = openRemote(peer.url, { transport: "sse" });
  const opening = remote.link.open().then(() => "open", () => "not open");
  while (peer.seen.length === 0) await new Promise<void>((resolve) => void setImmediate(resolve));
  await remote.link.close();
  expect(await opening).toBe("not open");
});

test("a server that cannot be reached any more is known to have fallen even before anybody listens for it", async () => {
  const peer = createPeer(() => Response.json({ jsonrpc: "2.0", id: 1, result: {} }));
  await using remote = openRemote(peer.url);
  remote.link.onDown = () => undefined;
  await remote.ask();
  expect(remote.link.fallen).toBeNull();
  await peer[Symbol.asyncDispose]();
  await remote.ask().catch(() => undefined);
  await remote.ask().catch(() => undefined);
  expect(remote.link.fallen).toContain("no connection");
});

test("what a server says of its answer is shown without secrets", async () => {
  await using peer = createPeer(() => new Response("<h1>", { headers: { "content-type": "text/html; from=/mcp?key=hunter2-hunter2" } }));
  await using remote = openRemote(peer.url);
  remote.secrets.add("hunter2-hunter2");
  expect((await failure(remote.ask())).message).toContain("from=/mcp?key=[secret]");
});

test("a server that takes a request and never answers is told of when its time is over; one that says anything meanwhile is not", async () => {
  let speaks = false;
  const feed = createFeed();
  await using peer = createPeer(() => (speaks ? feed.response : never<Response>()));
  await using remote = openRemote(peer.url);
  let late = 0;
  remote.link.onLate = () => (late += 1);
  expect((await failure(remote.ask("m", {}, 50))).code).toBe("BACKEND_TIMEOUT");
  expect([late, remote.link.heard]).toEqual([1, 0]);
  speaks = true;
  const answer = failure(remote.ask("m", {}, 300));
  feed.send(`: comment\n\n${event(note("progress"))}`);
  expect((await answer).code).toBe("BACKEND_TIMEOUT");
  expect([late, remote.link.heard]).toEqual([1, 1]);
});

test("a stream that opens and stays empty is no sign of life", async () => {
  const feed = createFeed();
  await using peer = createPeer(() => feed.response);
  await using remote = openRemote(peer.url);
  let late = 0;
  remote.link.onLate = () => (late += 1);
  const answer = failure(remote.ask("m", {}, 100));
  feed.send(": comment\n\n");
  expect((await answer).code).toBe("BACKEND_TIMEOUT");
  expect(late).toBe(1);
});

test("given up, it fails all that waits at once, and says so", async () => {
  await using peer = createPeer(() => never<Response>());
  await using remote = openRemote(peer.url);
  const waiting = failure(remote.ask());
  remote.link.giveUp("it gives no sign of life");
  expect(await waiting).toMatchObject({ code: "BACKEND_GONE", data: { sent: true }, message: expect.stringContaining("no sign of life") });
  expect([await remote.fell, remote.link.fallen]).toEqual(["it gives no sign of life", "it gives no sign of life"]);
});
