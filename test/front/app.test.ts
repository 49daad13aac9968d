import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpOut } from "../../src/era/index.ts";
import { openFront, post } from "../fixtures/front.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { createSmallEras, json, streaming } from "../fixtures/smallEras.ts";

describe("listening", () => {
  test("on port 0 tells the address it got", async () => {
    await using front = await openFront();
    expect(front.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect((await post(front.url)).status).toBe(200);
  });

  test("on a port that is taken fails with what to do", async () => {
    await using front = await openFront();
    const port = Number(new URL(front.url).port);
    await expect(openFront({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({ code: "LISTEN_FAILED", message: expect.stringContaining(String(port)) });
  });

  test("to everybody without a token is refused", async () => {
    await expect(openFront({ listen: { host: "0.0.0.0", port: 0 }, allowedHosts: ["x:1"] })).rejects.toMatchObject({ code: "LISTEN_UNSAFE" });
  });

  test("on a unix socket that only its owner can open", async () => {
    const folder = await mkdtemp(join(tmpdir(), "front-"));
    const unix = join(folder, "s.sock");
    try {
      await using front = await openFront({ listen: { unix } });
      expect(front.url).toBe(`unix://${unix}`);
      expect((await stat(unix)).mode & 0o077).toBe(0);
      await using connection = await rawConnection({ unix });
      connection.write("POST /mcp/a HTTP/1.1\r\nHost: anything\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
      expect(await connection.until('"server":"a"')).toStartWith("HTTP/1.1 200");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("leaves the umask as it was", async () => {
    const before = process.umask();
    const folder = await mkdtemp(join(tmpdir(), "front-"));
    await using _front = await openFront({ listen: { unix: join(folder, "s.sock") } });
    expect(process.umask()).toBe(before);
    await rm(folder, { recursive: true });
  });

  test("serves no other path", async () => {
    await using front = await openFront();
    for (const path of ["/nope", "/mcp/a/b", "/mcpx", "/messages/x/y", "/health/else"]) expect((await post(front.origin + path)).status).toBe(404);
    const answer = await fetch(`${front.origin}/nope`);
    expect([answer.headers.get("x-content-type-options"), await answer.text()]).toEqual(["nosniff", "not found\n"]);
  });
});

describe("giving way", () => {
  test("goes on serving, and each answer ends its connection", async () => {
    await using front = await openFront({ sharePort: true });
    expect((await post(front.url)).headers.get("connection")).not.toBe("close");
    await front.giveWay();
    await front.giveWay();
    const answer = await post(front.url);
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
  });

  test("leaves new connections to the one that listens beside", async () => {
    await using first = await openFront({ sharePort: true });
    const port = Number(new URL(first.url).port);
    await using second = await openFront({ listen: { host: "127.0.0.1", port }, sharePort: true, eras: createSmallEras(() => json('"second"')) });
    await first.giveWay();
    const said: string[] = [];
    for (let times = 0; times < 20; times += 1) said.push(await (await post(second.url, "{}", { connection: "close" })).text());
    if (process.platform === "linux") expect(new Set(said)).toEqual(new Set(['"second"']));
    else expect(said).toHaveLength(20);
  });
});

describe("closing", () => {
  test("waits for an answer under way, and lets nobody new in", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<HttpOut>();
    const eras = createSmallEras(() => {
      asked.resolve();
      return answer.promise;
    });
    await using front = await openFront({ eras });
    const running = post(front.url);
    await asked.promise;
    let closed = false;
    const closing = front.close(60_000).then(() => (closed = true));
    await expect(fetch(`${front.origin}/health`, { keepalive: false })).rejects.toThrow();
    expect(closed).toBe(false);
    answer.resolve(json('{"late":true}'));
    expect(await (await running).json()).toEqual({ late: true });
    await closing;
  });

  test("refuses what comes on a connection that was open already, and says why", async () => {
    const answer = Promise.withResolvers<HttpOut>();
    await using front = await openFront({ eras: createSmallEras((request) => (request.selection.server === "slow" ? answer.promise : json("{}"))) });
    await using connection = await rawConnection(front.url);
    const request = `POST /mcp HTTP/1.1\r\nHost: ${front.host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    await using busy = await rawConnection(front.url);
    busy.write(request.replace("/mcp", "/mcp/slow"));
    connection.write(request);
    await connection.until("{}");
    const closing = front.close(60_000);
    connection.write(request);
    expect(await connection.closed()).toMatch(/SHUTTING_DOWN|\{\}$/);
    answer.resolve(json("{}"));
    await closing;
  });

  test("cuts what is still open when its time is over", async () => {
    const { out } = streaming();
    await using front = await openFront({ eras: createSmallEras(() => out) });
    await using connection = await rawConnection(front.url);
    connection.write(`GET /mcp HTTP/1.1\r\nHost: ${front.host}\r\n\r\n`);
    await connection.until(": \n\n");
    await front.close(20);
    await connection.closed();
  });

  test("ends as soon as the streams have ended", async () => {
    const { out, queue } = streaming();
    await using front = await openFront({ eras: createSmallEras(() => out) });
    await using connection = await rawConnection(front.url);
    connection.write(`GET /mcp HTTP/1.1\r\nHost: ${front.host}\r\n\r\n`);
    await connection.until(": \n\n");
    const closing = front.close(60_000);
    queue.push("data: last\n\n");
    queue.end();
    await closing;
    expect(await connection.closed()).toContain("data: last");
  });

  test("twice is fine", async () => {
    const front = await openFront();
    await Promise.all([front.close(0), front.close(0)]);
    await front.close(0);
    await expect(fetch(front.url)).rejects.toThrow();
  });
});
