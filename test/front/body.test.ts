import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { openFront, post } from "../fixtures/front.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { createSmallEras } from "../fixtures/smallEras.ts";

const limits = { ...defaultLimits, bodyBytesMax: 1000 };
const head = (host: string, more: string): string => `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${more}\r\n`;

describe("a body", () => {
  test("arrives whole, byte for byte, with a length or in chunks", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    await post(front.url, '{"ü":1.10}');
    await post(front.url, new ReadableStream({ start: (controller) => ["{", '"a"', ":1}"].forEach((part) => controller.enqueue(new TextEncoder().encode(part))) ?? controller.close() }));
    expect(eras.seen.map(({ text }) => text)).toEqual(['{"ü":1.10}', '{"a":1}']);
  });

  test("of three megabytes goes through under the default limit", async () => {
    await using front = await openFront();
    const answer = await post(front.url, "x".repeat(3 << 20));
    expect(await answer.json()).toMatchObject({ bytes: 3 << 20 });
  });

  test("that is announced as too large is refused before it is sent, as JSON-RPC without id", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras, limits });
    await using connection = await rawConnection(front.url);
    connection.write(head(front.host, "Content-Length: 1001\r\n"));
    const answer = await connection.until('"id":null');
    expect(answer).toStartWith("HTTP/1.1 413");
    expect(answer).toContain('"code":-32600');
    expect(eras.seen).toEqual([]);
  });

  test("of exactly the limit passes, one byte more does not", async () => {
    await using front = await openFront({ limits });
    expect((await post(front.url, "x".repeat(1000))).status).toBe(200);
    expect((await post(front.url, "x".repeat(1001))).status).toBe(413);
  });

  test("of unknown length is cut at the limit", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras, limits });
    await using connection = await rawConnection(front.url);
    const piece = `1f4\r\n${"x".repeat(500)}\r\n`;
    connection.write(`${head(front.host, "Transfer-Encoding: chunked\r\n")}${piece}${piece}1\r\nx\r\n0\r\n\r\n`);
    expect(await connection.until('"id":null')).toStartWith("HTTP/1.1 413");
    expect(eras.seen).toEqual([]);
  });

  test("that may be empty is handed on as it is", async () => {
    const eras = createSmallEras();
    await using front = await openFront({ eras });
    await post(front.url, "");
    expect(eras.seen[0]?.text).toBe("");
  });

  test("that never comes to its end is nobody's request, and the door goes on", async () => {
    const eras = createSmallEras();
    const logged = Promise.withResolvers<unknown[]>();
    const never = (): never => {
      throw new Error("logged louder than it is");
    };
    const log = { debug: never, info: (...line: unknown[]) => logged.resolve(line), warn: never, error: never, with: () => log };
    await using front = await openFront({ eras, log });
    const connection = await rawConnection(front.url);
    connection.write(`${head(front.host, "Content-Length: 100\r\nExpect: 100-continue\r\n")}`);
    await connection.until("100 Continue");
    connection.write("{");
    connection.cut();
    expect(await logged.promise).toMatchObject(["request refused", { code: "MESSAGE_INVALID" }]);
    expect((await post(front.url)).status).toBe(200);
    expect(eras.seen).toHaveLength(1);
  });
});
