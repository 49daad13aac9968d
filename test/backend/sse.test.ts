import { expect, test } from "bun:test";
import type { Fault } from "../../src/base/index.ts";
import { rawOf } from "../../src/protocol/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFeed, createPeer, event, type Feed } from "../fixtures/peer.ts";
import { openRemote } from "../fixtures/remote.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);

/** A server of the two halves: answers each request on the stream. */
function createHalves(endpoint = "/messages?session=1") {
  const feeds: Feed[] = [];
  const peer = createPeer(({ method, path, body }) => {
    if (method === "GET") {
      const feed = createFeed();
      feeds.push(feed);
      feed.send(event(endpoint, "event: endpoint\n"));
      return feed.response;
    }
    const { id, method: asked } = JSON.parse(body) as { id?: number; method: string };
    if (asked === "refuse") return new Response("no", { status: 404 });
    if (id !== undefined && asked !== "silent") feeds.at(-1)?.send(event(`{"jsonrpc":"2.0","id":${id},"result":{"path":"${path}"}}`, "event: message\n"));
    return new Response("Accepted", { status: 202 });
  });
  return { peer, feeds };
}

test("requests are posted to the endpoint, answers and notifications come on the stream", async () => {
  const { peer, feeds } = createHalves();
  await using _ = peer;
  await using remote = openRemote(`${peer.url}/sse`, { transport: "sse", headers: { Authorization: "Bearer t" } });
  await remote.link.open();
  expect(remote.link.transport).toBe("sse");
  const reply = await remote.ask("m");
  expect(reply.message?.kind === "result" && rawOf(reply.message.result)).toBe('{"path":"/messages?session=1"}');
  await remote.link.send('{"jsonrpc":"2.0","method":"n"}', {});
  expect(peer.seen.map(({ method, path, headers }) => `${method} ${path} ${headers.get("authorization")}`)).toEqual(["GET /sse Bearer t", "POST /messages?session=1 Bearer t", "POST /messages?session=1 Bearer t"]);
  const came = Promise.withResolvers<string>();
  remote.link.onMessage = (message) => came.resolve(message.kind);
  feeds[0]?.send(`${event("not json")}${event('{"jsonrpc":"2.0","method":"hi"}')}`);
  expect(await came.promise).toBe("notification");
});

test("a refused post is the answer", async () => {
  const { peer } = createHalves();
  await using _ = peer;
  await using remote = openRemote(`${peer.url}/sse`, { transport: "sse" });
  await remote.link.open();
  expect(await remote.ask("refuse")).toMatchObject({ status: 404, message: null });
});

test("the end of the stream is the end of the link", async () => {
  const { peer, feeds } = createHalves();
  await using _ = peer;
  await using remote = openRemote(`${peer.url}/sse`, { transport: "sse" });
  await remote.link.open();
  const call = failure(remote.ask("silent"));
  feeds[0]?.end();
  expect(await remote.fell).toBe("its event stream ended");
  expect((await call).code).toBe("BACKEND_GONE");
  expect(remote.link.fallen).toBe("its event stream ended");
});

test("an endpoint on another origin is refused, so that no credential goes there", async () => {
  await using other = createPeer(() => new Response(null, { status: 202 }));
  const { peer } = createHalves(`${other.url}/messages`);
  await using _ = peer;
  await using remote = openRemote(`${peer.url}/sse`, { transport: "sse", headers: { Authorization: "Bearer t" } });
  expect((await failure(remote.link.open())).code).toBe("BACKEND_REFUSED");
  expect(other.seen).toEqual([]);
});

test("a URL that does not open such a stream is told apart: another status, a page, silence", async () => {
  await using peer = createPeer(({ path }) => {
    if (path === "/status") return new Response("no", { status: 404 });
    if (path === "/page") return new Response("<h1>");
    const feed = createFeed();
    feed.send(": quiet\n\n");
    return feed.response;
  });
  for (const path of ["/status", "/page", "/silent"]) {
    await using remote = openRemote(peer.url + path, {}, { probeMsMax: 50 });
    expect([path, await remote.link.openSse?.()]).toEqual([path, false]);
    expect(remote.link.transport).toBe("http");
  }
  await using nowhere = openRemote("http://127.0.0.1:1/sse", { transport: "sse" });
  expect((await failure(nowhere.link.open())).code).toBe("BACKEND_DOWN");
});

test("only a link whose transport is ours to choose can turn into this one", async () => {
  await using peer = createHalves().peer;
  await using auto = openRemote(`${peer.url}/sse`);
  expect(await auto.link.openSse?.()).toBe(true);
  expect(auto.link.transport).toBe("sse");
  await using fixed = openRemote(`${peer.url}/sse`, { transport: "http" });
  expect(fixed.link.openSse).toBeUndefined();
});

test("a stream that says much without answering is read no faster than it may, and goes on", async () => {
  const { peer, feeds } = createHalves();
  await using _ = peer;
  const clock = createTestClock();
  await using remote = openRemote(`${peer.url}/sse`, { transport: "sse" }, { noiseBytesMax: 100_000, noiseWindowMs: 1000 }, clock);
  await remote.link.open();
  const told = clock.pending;
  const news = event(`{"jsonrpc":"2.0","method":"n","params":{"x":"${"x".repeat(1000)}"}}`).repeat(1000);
  for (let n = 0; n < 20; n += 1) feeds[0]?.send(news);
  while (clock.pending === told && remote.messages.length < 20_000) await new Promise((resolve) => void setImmediate(resolve));
  await clock.settle();
  expect(remote.messages.length).toBeLessThan(10_000);
  while (remote.messages.length < 20_000) await clock.advance(1000);
});
