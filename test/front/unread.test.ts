import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { countedBytesMin, Unread } from "../../src/front/unread.ts";
import { namedKeeper } from "../fixtures/doorkeeper.ts";
import { openFront, post } from "../fixtures/front.ts";
import { type RawConnection, rawConnection } from "../fixtures/rawHttp.ts";
import { createSmallEras, json } from "../fixtures/smallEras.ts";

const mebibyte = 1024 * 1024;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("an answer that the system takes at once is not counted, a large one until it is taken, in bytes", async () => {
  const unread = new Unread(10 * mebibyte);
  expect(unread.bodyOf("small", 5, "a")).toBe("small");
  const text = "ü".repeat(12 * mebibyte);
  await using server = servingOnce(() => unread.bodyOf(text, 24 * mebibyte, "a"));
  await using slow = await reader(server.url);
  while (unread.bytes === 0) await turn();
  expect([unread.bytes, unread.isFullFor("a"), unread.isFullFor("b")]).toEqual([24 * mebibyte, true, false]);
  slow.resume();
  while (unread.bytes > 0) await turn();
  expect(unread.isFullFor("a")).toBe(false);
  expect((await (await fetch(server.url)).text()).length).toBe(text.length);
  expect(unread.bytes).toBe(0);
});

test("whoever goes away has nothing waiting for it", async () => {
  const unread = new Unread(mebibyte);
  await using server = servingOnce(() => unread.bodyOf("x".repeat(24 * mebibyte), 24 * mebibyte, "a"));
  const slow = await reader(server.url);
  while (unread.bytes === 0) await turn();
  slow.cut();
  while (unread.bytes > 0) await turn();
  expect(countedBytesMin).toBeLessThan(mebibyte);
});

test("of several whose answers wait, those hold too much who hold an even share of the bound", async () => {
  const unread = new Unread(30 * mebibyte);
  const sizes: Readonly<Record<string, number>> = { heavy: 24 * mebibyte, light: 12 * mebibyte };
  await using server = servingOnce((who) => unread.bodyOf("x".repeat(sizes[who] ?? 0), sizes[who] ?? 0, who));
  const full = (): readonly boolean[] => ["heavy", "light", "nobody"].map((who) => unread.isFullFor(who));
  await using heavy = await reader(`${server.url}heavy`);
  while (unread.bytes === 0) await turn();
  expect(full()).toEqual([false, false, false]);
  await using light = await reader(`${server.url}light`);
  while (unread.bytes === 24 * mebibyte) await turn();
  expect(full()).toEqual([true, false, false]);
  heavy.cut();
  light.cut();
  while (unread.bytes > 0) await turn();
});

test("while a client does not take too much it gets to ask for no more and is told to come back, others notice nothing; then all goes on", async () => {
  const large = `"${"x".repeat(24 * mebibyte)}"`;
  const eras = createSmallEras((request) => json(request.selection.server === "large" ? large : "{}"));
  await using front = await openFront({ eras, auth: namedKeeper(), limits: { ...defaultLimits, unreadBytesMax: 40 * mebibyte } });
  const [mine, another] = [{ authorization: "Bearer slow" }, { authorization: "Bearer another" }];
  const slow: RawConnection[] = [];
  for (let n = 0; n < 2; n++) {
    const one = await rawConnection(front.url);
    one.write(`POST /mcp/large HTTP/1.1\r\nHost: ${front.host}\r\nAuthorization: ${mine.authorization}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    await one.until("200 OK");
    one.pause();
    slow.push(one);
  }
  const refused = await post(front.url, "{}", mine);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await refused.json()).toMatchObject({ error: { code: -32603, data: { code: "LIMIT_REACHED", retryAfterMs: 1000 } } });
  expect((await post(front.url, "{}", another)).status).toBe(200);
  for (const one of slow) one.cut();
  while ((await post(front.url, "{}", mine)).status !== 200) await turn();
});

function servingOnce(body: (path: string) => string | ReadableStream) {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: ({ url }) => new Response(body(new URL(url).pathname.slice(1))) });
  return { url: server.url.href, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** A connection that has asked and reads only the beginning of what it gets. */
async function reader(url: string): Promise<RawConnection> {
  const connection = await rawConnection(url);
  connection.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await connection.until("200 OK");
  connection.pause();
  return connection;
}
