import { expect, test } from "bun:test";
import { ListenRequest } from "../../src/era/listenRequest.ts";
import { type Bench, benchOf, messageOf, type Said } from "../fixtures/wire.ts";

function startOn(transport: "stdio" | "http", said: Said = "silent") {
  const bench = benchOf(transport, () => said);
  const heard: string[] = [];
  const request = new ListenRequest(bench.south, '"toolsListChanged":true', (id, params) => ({ text: `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{${params}}}`, headers: { h: "1" } }), {
    acknowledged: (filter) => heard.push(`acknowledged ${filter?.text.slice(filter.open, filter.close) ?? "nothing"}`),
    notified: ({ method }) => heard.push(method),
  });
  const take = (text: string): boolean => {
    const message = messageOf(text);
    return message.kind === "notification" && request.take(message);
  };
  return { bench, heard, request, take };
}
const idOf = (bench: Bench): number => bench.wire.last("subscriptions/listen").id;
const notification = (method: string, id: number | string | null, more = ""): string =>
  `{"jsonrpc":"2.0","method":"notifications/${method}","params":{${id === null ? "" : `"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}`}${more}}}`;

test("says what it is asked to, with the dialect's headers, and is a standing request", () => {
  const { bench } = startOn("http");
  const arrived = bench.wire.last("subscriptions/listen");
  expect([arrived.text, arrived.headers, arrived.timeoutMs]).toEqual([`{"jsonrpc":"2.0","id":${arrived.id},"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true}}}`, { h: "1" }, bench.south.limits.listenMsMax]);
});

test("hears what comes on its stream, the acknowledgement apart", () => {
  const { bench, heard } = startOn("http");
  const { push } = bench.wire.last("subscriptions/listen");
  push(notification("subscriptions/acknowledged", null, '"notifications":{"toolsListChanged":true}'));
  push(notification("tools/list_changed", null));
  expect(heard).toEqual(['acknowledged {"toolsListChanged":true}', "notifications/tools/list_changed"]);
});

test("on a pipe takes what is tagged with its id or with none, and leaves the rest", () => {
  const { bench, heard, take } = startOn("stdio");
  const id = idOf(bench);
  expect(take(notification("subscriptions/acknowledged", id))).toBe(true);
  expect(take(notification("tools/list_changed", null))).toBe(true);
  expect(take(notification("tools/list_changed", id + 1))).toBe(false);
  expect(take(notification("tools/list_changed", `"${id}"`))).toBe(false);
  expect(heard).toEqual(["acknowledged nothing", "notifications/tools/list_changed"]);
});

test.each([
  ["http", { result: "{}" }, true],
  ["http", { fault: "BACKEND_DOWN" }, true],
  ["http", { error: '{"code":-32603,"message":"later"}' }, true],
  ["http", { error: '{"code":-32601,"message":"never"}' }, false],
  ["http", { error: '{"code":-32602,"message":"not so"}' }, false],
  ["stdio", { fault: "BACKEND_TIMEOUT" }, true],
  ["stdio", { fault: "BACKEND_GONE" }, false],
] as ["http" | "stdio", Said, boolean][])("on %s that ended with %p: another one is worth trying: %p", async (transport, said, again) => {
  expect(await startOn(transport, said).request.ended).toBe(again);
});

test("taken down by the server's word on a pipe has ended, and hears nothing more", async () => {
  const { bench, request, take, heard } = startOn("stdio");
  const id = idOf(bench);
  expect(take('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"other"}}')).toBe(false);
  expect(take('{"jsonrpc":"2.0","method":"notifications/cancelled"}')).toBe(false);
  expect(take(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`)).toBe(true);
  expect(await request.ended).toBe(true);
  expect(take(notification("tools/list_changed", id))).toBe(false);
  expect(heard).toEqual([]);
});

test("given up is told on a pipe alone, once, and its late words are swallowed", async () => {
  const { bench, request, take, heard } = startOn("stdio");
  const id = idOf(bench);
  request.close();
  request.close();
  expect(take(notification("subscriptions/acknowledged", id))).toBe(true);
  await request.ended;
  request.close();
  expect(bench.wire.sent.map(({ text }) => text)).toEqual([`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`]);
  const http = startOn("http");
  const { push } = http.bench.wire.last("subscriptions/listen");
  http.request.close();
  push(notification("tools/list_changed", null));
  expect([http.bench.wire.sent, http.bench.wire.abandoned, http.heard, heard]).toEqual([[], [idOf(http.bench)], [], []]);
});

test("given up on a pipe that is gone is no trouble", async () => {
  const { bench, request } = startOn("stdio");
  bench.wire.sendFails = true;
  request.close();
  expect(await request.ended).toBe(true);
});
