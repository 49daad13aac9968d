/** News of a client's roots: to a backend that was promised them, as long as it is connected, and to nobody else. */
import { expect, test } from "bun:test";
import { passRootsOn, RootsNews } from "../../src/era/roots.ts";
import type { Notification } from "../../src/protocol/index.ts";
import { benchOf, messageOf } from "../fixtures/wire.ts";

const notification = (method: string): Notification => messageOf(`{"jsonrpc":"2.0","method":"${method}"}`) as Notification;
const changed = notification("notifications/roots/list_changed");
const promised = '{"roots":{"listChanged":true}}';
const besideOf = (news: RootsNews) => ({ ask: () => Promise.reject(new Error("not asked")), notice: () => false, onRoots: (listener: () => void) => news.onChange(listener) });

function followed(capabilities: string, send?: () => Promise<void>) {
  const news = new RootsNews();
  const { south, wire } = benchOf("http", () => "silent", { capabilities, beside: besideOf(news) });
  if (send !== undefined) wire.send = send;
  return { news, wire, end: passRootsOn(south, () => ({ "mcp-session-id": "s" })) };
}

test("each change is told in the session, until the connection ends, and nothing else is", () => {
  const { news, wire, end } = followed(promised);
  news.take(changed);
  news.take(notification("notifications/initialized"));
  news.take(changed);
  const told = { text: '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}', headers: { "mcp-session-id": "s" } };
  expect(wire.sent).toEqual([told, told]);
  end();
  news.take(changed);
  expect(wire.sent).toHaveLength(2);
});

test("a backend that was promised nothing hears nothing", () => {
  for (const capabilities of ["{}", '{"roots":{}}', '{"roots":{"listChanged":false}}', "[]"]) {
    const { news, wire, end } = followed(capabilities);
    news.take(changed);
    expect(wire.sent).toEqual([]);
    end();
  }
});

test("neither does one that several clients share", () => {
  const { south, wire } = benchOf("stdio", () => "silent", { capabilities: promised });
  passRootsOn(south, () => ({}))();
  expect(wire.sent).toEqual([]);
});

test("a backend that cannot be told is no failure of the client's", async () => {
  const { news } = followed(promised, () => Promise.reject(new Error("broken")));
  news.take(changed);
  await Promise.resolve();
});
