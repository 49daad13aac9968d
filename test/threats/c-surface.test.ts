/**
 * Part C of the threat table: the HTTP surface, by raw sockets against the program as people start it. Rows that need
 * several grants, pages or streams are beside this file.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { openFront } from "../fixtures/front.ts";
import { createSmallEras } from "../fixtures/smallEras.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { rawConnection } from "../fixtures/rawHttp.ts";
import { envelope, sendModern } from "../fixtures/rpc.ts";

let program: Program;
let port: number;
let other: Bun.Server<undefined>;
beforeAll(async () => {
  other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const listed = `http://localhost:${other.port}`;
  program = await startProgram({ config: { allowedOrigins: [listed], mcpServers: { a: { command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "legacy"] } } } });
  port = Number(new URL(program.origin).port);
});
// A shutdown may take as long as limits.shutdownMsMax, which is as long as a hook usually may.
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await other.stop(true);
}, 10_000);

const listBody = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${envelope()}}}`;
const modern = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\nAccept: application/json, text/event-stream\r\n";

/** A whole request as text; null leaves a header out. */
function requestText({ host = `127.0.0.1:${port}`, headers = "", body = listBody, length = true, path = "/mcp" }: { host?: string | null; headers?: string; body?: string; length?: boolean; path?: string } = {}): string {
  const own = `${host === null ? "" : `Host: ${host}\r\n`}Authorization: Bearer ${program.token}\r\nContent-Type: application/json\r\n${modern}`;
  return `POST ${path} HTTP/1.1\r\n${own}${length ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : ""}Connection: close\r\n${headers}\r\n${body}`;
}

/** What comes back until the connection is closed. */
async function exchange(text: string): Promise<string> {
  await using raw = await rawConnection(program.origin);
  raw.write(text);
  return await raw.closed();
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const statusFor = async (options: Parameters<typeof requestText>[0]): Promise<number> => statusOf(await exchange(requestText(options)));

/** The program still does what it is there for. */
async function answers(): Promise<void> {
  const { status } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/list" });
  expect(status).toBe(200);
}

test("56: a Host that is not ours is refused, however it is written", async () => {
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) expect([host, await statusFor({ host })]).toEqual([host, 200]);
  const foreign = ["evil.example", `evil.example:${port}`, `localhost.:${port}`, `x@localhost:${port}`, `2130706433:${port}`, `0x7f000001:${port}`, `0177.0.0.1:${port}`, `127.1:${port}`, "localhost", `localhost:${port + 1}`, `127.0.0.1:${port}.evil.example`, `[::ffff:127.0.0.1]:${port}`, `localhost:0${port}`];
  for (const host of foreign) expect([host, await statusFor({ host })]).toEqual([host, 403]);
  expect(await statusFor({ host: null })).toBeGreaterThanOrEqual(400);
});

test("57: an Origin that is not ours is refused, and so is none with a name", async () => {
  expect(await statusFor({ headers: `Origin: ${program.origin}\r\n` })).toBe(200);
  for (const origin of ["https://evil.example", "null", "", `http://127.0.0.1:${port}.evil.example`, `http://localhost.evil.example:${port}`, `https://localhost:${port}`, `http://x@localhost:${port}`, `http://localhost:${port}/`, `http://127.0.0.1:${port}, http://evil.example`, "file://", `http://[::ffff:127.0.0.1]:${port}`])
    expect([origin, await statusFor({ headers: `Origin: ${origin}\r\n` })]).toEqual([origin, 403]);
});

test("58: a page of another program on this computer is refused unless it is listed", async () => {
  expect(await statusFor({ headers: `Origin: http://localhost:${port + 1}\r\n` })).toBe(403);
  expect(await statusFor({ headers: "Origin: http://localhost\r\n" })).toBe(403);
  expect(await statusFor({ headers: `Origin: http://localhost:${other.port}\r\n` })).toBe(200);
});

test("59: two Host headers are refused", async () => {
  for (const second of ["evil.example", `127.0.0.1:${port}`]) {
    const status = await statusFor({ headers: `Host: ${second}\r\n` });
    expect([second, status >= 400 && status < 500]).toEqual([second, true]);
  }
});

describe("60: a request that two readers would cut differently", () => {
  const smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
  const body = '{"a":1}';
  const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  const cases: readonly (readonly [string, string, string])[] = [
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `${chunked(body)}${smuggled}`],
    ["chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", `${chunked(body)}${smuggled}`],
    ["two lengths that differ", "Content-Length: 7\r\nContent-Length: 9\r\n", body],
    ["a signed length", "Content-Length: +7\r\n", body],
    ["a negative length", "Content-Length: -7\r\n", body],
    ["a length in hexadecimal", "Content-Length: 0x7\r\n", body],
    ["a list of lengths", "Content-Length: 7, 9\r\n", body],
    ["a length beyond all numbers", "Content-Length: 99999999999999999999999\r\n", body],
    ["a chunk's size that is none", "Transfer-Encoding: chunked\r\n", "zz\r\n"],
    ["a signed chunk's size", "Transfer-Encoding: chunked\r\n", "-1\r\nx\r\n0\r\n\r\n"],
    ["a chunk's size beyond all numbers", "Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nx"],
    ["a chunk that is longer than it says", "Transfer-Encoding: chunked\r\n", "1\r\nxyz\r\n0\r\n\r\n"],
    ["an encoding that is none", "Transfer-Encoding: xchunked\r\n", chunked(body)],
    ["a folded header", "X-A: b\r\n c: d\r\nContent-Length: 7\r\n", body],
    ["a space before the colon", "Content-Length : 7\r\n", body],
    ["a header without a name", ": x\r\nContent-Length: 7\r\n", body],
    ["a NUL in a header", "X-A: a\0b\r\nContent-Length: 7\r\n", body],
    ["lines that end in LF alone", "X-A: b\nContent-Length: 7\n", body],
    ["a CR alone in a header", "X-A: a\rb\r\nContent-Length: 7\r\n", body],
  ];
  test.each(cases)("%s is refused and the connection closed, with nothing served twice", async (_name, headers, text) => {
    await using raw = await rawConnection(program.origin);
    raw.write(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${program.token}\r\nContent-Type: application/json\r\n${headers}\r\n${text}`);
    const answer = await raw.closed();
    const [status, served] = [statusOf(answer), answer.split("HTTP/1.1 ").length - 1];
    expect([status === 0 || (status >= 400 && status < 500), served <= 1]).toEqual([true, true]);
  }, 20_000);
  test("afterwards everybody else is served", answers);
});

test("61: a header, many headers, or a URL beyond the bounds are refused, and others are served", async () => {
  const large = { "a header of 20 KiB": { headers: `X-A: ${"a".repeat(20 * 1024)}\r\n` }, "250 headers": { headers: Array.from({ length: 250 }, (_, n) => `X-${n}: a\r\n`).join("") }, "a URL of 64 KiB": { path: `/mcp?${"a".repeat(64 * 1024)}` } };
  for (const [name, options] of Object.entries(large)) expect([name, await statusFor(options)]).toEqual([name, 431]);
  await answers();
});

test("62: a body beyond the limit is refused in the protocol's own words, with its length and in chunks", async () => {
  const body = " ".repeat(4 * 2 ** 20 + 1);
  const stated = await exchange(requestText({ body }));
  expect([statusOf(stated), stated.includes('"jsonrpc":"2.0"'), stated.includes("larger than the limit")]).toEqual([413, true, true]);
  const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
  const chunked = await exchange(requestText({ length: false, headers: "Transfer-Encoding: chunked\r\n", body: `${chunk.repeat(65)}0\r\n\r\n` }));
  expect([statusOf(chunked), chunked.includes('"jsonrpc":"2.0"')]).toEqual([413, true]);
});

/** The answer to a body that is sent as it is. */
async function reply(body: string | Uint8Array): Promise<{ status: number; code: number | undefined }> {
  const response = await fetch(`${program.origin}/mcp`, { method: "POST", body: body as Uint8Array<ArrayBuffer>, headers: { Authorization: `Bearer ${program.token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" } });
  const text = await response.text();
  return { status: response.status, code: (JSON.parse(text) as { error?: { code: number } }).error?.code };
}

test("63: JSON that is nested too deeply is refused before anything reads it", async () => {
  for (const depth of [65, 10_000, 1_000_000]) {
    expect([depth, (await reply(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`)).status]).toEqual([depth, 400]);
    expect([depth, (await reply("[".repeat(depth))).status]).toEqual([depth, 400]);
  }
  await answers();
});

test("64: what is no JSON in UTF-8 is told so", async () => {
  const bodies = [listBody.slice(0, -1), `${listBody}x`, `${listBody}${listBody}`, '{"jsonrpc":"2.0","id":NaN,"method":"x"}', "{'a':1}", "", "nul", '{"a":1,}', Buffer.from(listBody, "utf16le"), Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])];
  for (const body of bodies) expect([String(body).slice(0, 40), await reply(body)]).toEqual([String(body).slice(0, 40), { status: 400, code: -32700 }]);
});

test("65: names that reach an object's prototype change nothing, wherever they stand", async () => {
  for (const name of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]) {
    const { status, messages } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":{"${name}":{"polluted":1}}` });
    expect([name, status, (JSON.parse(messages.at(-1) ?? "{}") as { error?: { code: number } }).error?.code]).toEqual([name, 200, -32602]);
    await reply(`{"jsonrpc":"2.0","id":1,"method":"tools/list","${name}":{"polluted":1},"params":{"${name}":{"polluted":1},${envelope()}}}`);
    await reply(`{"jsonrpc":"2.0","id":1,"method":"${name}","params":{${envelope()}}}`);
  }
  await answers();
});

test("66: a member that is given twice is refused wherever we read it", async () => {
  const doubled = [
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{${envelope()}}}`,
    `{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list","params":{${envelope()}}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${envelope()}},"params":{}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b",${envelope()}}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","\\u006eame":"b",${envelope()}}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${envelope()},${envelope()}}}`,
  ];
  for (const body of doubled) expect([body.slice(0, 90), (await reply(body)).status]).toEqual([body.slice(0, 90), 400]);
});

/** Sockets that say something, and then next to nothing. */
function drip(first: string, count: number): Promise<number[]> {
  const began = performance.now();
  const one = (): Promise<number> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(first));
      const dripping = setInterval(() => socket.write("a"), 1000);
      socket.on("error", () => undefined).on("data", () => undefined).on("close", () => {
        clearInterval(dripping);
        resolve(performance.now() - began);
      });
    });
  return Promise.all(Array.from({ length: count }, one));
}

test("67: whoever sends headers or a body a byte at a time is cut within 15 seconds, and others are served meanwhile", async () => {
  const authorized = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${program.token}\r\nContent-Type: application/json\r\n`;
  const slow = Promise.all([drip(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-A: `, 150), drip(`${authorized}Content-Length: 100000\r\n\r\n{`, 150)]);
  await answers();
  expect(Math.max(...(await slow).flat())).toBeLessThan(15_000);
  await answers();
}, 30_000);

test.skipIf(process.platform !== "linux")("68: three thousand sockets that say nothing cost little and keep nobody out", async () => {
  const resident = async (): Promise<number> => Number(/^VmRSS:\s*(\d+)/m.exec(await Bun.file(`/proc/${program.pid}/status`).text())?.[1] ?? 0) / 1024;
  await answers();
  const before = await resident();
  const opened = Array.from({ length: 3000 }, () => new Promise<Socket>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  }));
  const sockets = await Promise.all(opened);
  const began = performance.now();
  await answers();
  const took = performance.now() - began;
  const more = (await resident()) - before;
  for (const socket of sockets) socket.on("error", () => undefined).destroy();
  expect(more).toBeLessThan(60);
  expect(took).toBeLessThan(100);
}, 20_000);

test("75: every answer says what a browser must not make of it", async () => {
  for (const path of ["/", "/health", "/health/live", "/mcp", "/none", "/.well-known/oauth-protected-resource"]) {
    const { headers } = await fetch(`${program.origin}${path}`, { headers: { Accept: "text/html" } });
    expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    const isPage = headers.get("content-type")?.startsWith("text/html") === true;
    if (isPage) expect([path, headers.get("content-security-policy")?.includes("default-src 'none'"), headers.get("referrer-policy"), headers.get("x-frame-options")]).toEqual([path, true, "no-referrer", "DENY"]);
    expect(headers.get("strict-transport-security")).toBeNull();
  }
  const refused = await fetch(`${program.origin}/mcp`, { method: "POST", headers: { "Content-Type": "application/json" }, body: listBody });
  expect([refused.status, refused.headers.get("cache-control")]).toEqual([401, "no-store"]);
});

test("76: a line break in what comes from outside makes no header of its own", async () => {
  const evil = "%0d%0aX-Evil:%20yes";
  for (const path of [`/mcp/a${evil}`, `/health/mcp/${evil}`, `/authorize?client_id=x&state=${evil}&redirect_uri=http://127.0.0.1/${evil}&response_type=code`, `/oauth/callback?error=x&error_description=${evil}&state=${evil}`, `/${evil}`]) {
    const answer = await exchange(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${program.token}\r\nConnection: close\r\n\r\n`);
    expect([path, statusOf(answer) >= 400 || statusOf(answer) === 302, /^x-evil/im.test(answer)]).toEqual([path, true, false]);
  }
  const { messages, headers } = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name: "a", params: '"name":"a\\r\\nX-Evil: yes","arguments":{}', headers: { "Mcp-Name": "=?base64?YQ0KWC1FdmlsOiB5ZXM=?=" } });
  expect([headers.get("x-evil"), messages.at(-1)?.includes("\r")]).toEqual([null, false]);
});

test("77: an error inside tells nobody outside where or what it was", async () => {
  const eras = createSmallEras();
  const secret = "/home/operator/secret-path.ts";
  const broken = new Proxy(eras, {
    get: () => () => {
      throw new Error(secret);
    },
  });
  await using front = await openFront({ eras: broken });
  const response = await fetch(front.url, { method: "POST", body: listBody, headers: { "Content-Type": "application/json", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" } });
  const text = await response.text();
  expect([response.status, text.includes("secret-path"), text.includes(".ts"), text.includes("at ")]).toEqual([500, false, false, false]);
  expect(text).toContain('"jsonrpc":"2.0"');
});
