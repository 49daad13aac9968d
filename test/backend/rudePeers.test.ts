/** Servers over HTTP that break every rule, on bare sockets: each costs its own call alone, and the error names it and says what happened. */
import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import type { Fault, Limits } from "../../src/base/index.ts";
import { openRemote } from "../fixtures/remote.ts";
import { createRudePeer } from "../fixtures/rudePeer.ts";

const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then((value) => Promise.reject(new Error(`it worked: ${JSON.stringify(value)}`)), (thrown: Fault) => thrown);
const head = (status: string, ...headers: string[]): string => `HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`;
const json = "content-type: application/json";
const events = "content-type: text/event-stream";
const chunk = (text: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n`), Buffer.from(text as string), Buffer.from("\r\n")]);
const bytewise = (socket: Socket, text: string, ms: number): void => {
  let at = 0;
  const timer = setInterval(() => (at < text.length && !socket.destroyed ? socket.write(text[at++] as string) : clearInterval(timer)), ms);
  socket.on("close", () => clearInterval(timer));
};
const mebibyte = 1024 * 1024;

interface Case {
  readonly what: string;
  readonly answer: (socket: Socket, id: number) => void;
  readonly code: string;
  readonly words: string;
  /** It can only be told by time. */
  readonly late?: true;
  readonly limits?: Partial<Limits>;
}

const cases: readonly Case[] = [
  { what: "redirects to another host", answer: (socket) => socket.write(head("302 Found", "location: https://elsewhere.example/x?token=1", "content-length: 0")), code: "BACKEND_REFUSED", words: "it redirects to https://elsewhere.example, which is not followed" },
  { what: "redirects to itself", answer: (socket) => socket.write(head("307 Temporary Redirect", "location: /again", "content-length: 0")), code: "BACKEND_REFUSED", words: "it redirects to another path, which is not followed" },
  { what: "answers with a page", answer: (socket) => socket.write(`${head("200 OK", "content-type: text/html", "content-length: 5")}<html`), code: "BACKEND_GARBLED", words: "its answer is text/html" },
  { what: "answers without a type", answer: (socket) => socket.write(`${head("200 OK", "content-length: 5")}hello`), code: "BACKEND_GARBLED", words: "its answer is of no stated type" },
  { what: "announces JSON and sends none", answer: (socket) => socket.write(`${head("200 OK", json, "content-length: 5")}hello`), code: "BACKEND_GARBLED", words: "its answer does not hold the response" },
  { what: "announces JSON and sends bytes", answer: (socket) => socket.write(Buffer.concat([Buffer.from(head("200 OK", json, "content-length: 3")), Buffer.from([0xff, 0xfe, 0])])), code: "BACKEND_GARBLED", words: "its answer is not UTF-8" },
  { what: "answers somebody else", answer: (socket, id) => socket.write(`${head("200 OK", json, "connection: close")}{"jsonrpc":"2.0","id":${id + 1},"result":{}}`, () => socket.end()), code: "BACKEND_GARBLED", words: "its answer does not hold the response" },
  { what: "sends a stream with an event that is no message", answer: (socket) => socket.write(`${head("200 OK", events)}data: hello\n\n`), code: "BACKEND_GARBLED", words: "" },
  { what: "sends an event without end", answer: (socket) => void floodUntilClosed(socket, head("200 OK", events), `data: ${"x".repeat(60_000)}`, "y".repeat(60_000)), code: "BACKEND_GARBLED", words: "an event is too long", limits: { messageBytesMax: mebibyte } },
  { what: "sends a body without end", answer: (socket) => void floodUntilClosed(socket, head("200 OK", json), '{"text":"', "y".repeat(60_000)), code: "BACKEND_GARBLED", words: "its answer is larger than 1048576 bytes", limits: { messageBytesMax: mebibyte } },
  { what: "announces a body beyond the bound", answer: (socket) => void floodUntilClosed(socket, head("200 OK", json, "content-length: 999999999999"), '{"text":"', "y".repeat(60_000)), code: "BACKEND_GARBLED", words: "its answer is larger than 1048576 bytes", limits: { messageBytesMax: mebibyte } },
  { what: "closes in the middle of a body", answer: (socket) => socket.end(`${head("200 OK", json, "content-length: 500")}{"jsonrpc"`), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "closes in the middle of a chunk", answer: (socket) => socket.end(`${head("200 OK", json, "transfer-encoding: chunked")}fff\r\n{"jsonrpc"`), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "closes in the middle of an event", answer: (socket) => socket.end(`${head("200 OK", events)}data: {"jsonrpc"`), code: "BACKEND_GONE", words: "its answer ended before the response" },
  { what: "closes in the middle of the head", answer: (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-ty"), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "closes without a word", answer: (socket) => socket.end(), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "does not speak HTTP", answer: (socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "sends huge headers", answer: (socket) => socket.write(head("200 OK", json, ...Array.from({ length: 3000 }, (_, n) => `x-${n}: ${"h".repeat(1000)}`), "content-length: 2")), code: "BACKEND_GONE", words: "the connection broke" },
  { what: "packs its answer, which was not asked for", answer: (socket, id) => socket.write(packed(`{"jsonrpc":"2.0","id":${id},"result":{}}`)), code: "BACKEND_GARBLED", words: "its answer is packed (gzip), which was not asked for" },
  { what: "sends a body of zip bombs", answer: (socket) => socket.write(Buffer.concat([Buffer.from(head("200 OK", json, "content-encoding: gzip", "transfer-encoding: chunked")), chunk(bomb())])), code: "BACKEND_GARBLED", words: "its answer is packed (gzip), which was not asked for" },
  { what: "sends the head and stalls", answer: (socket) => socket.write(head("200 OK", json, "content-length: 500")), code: "BACKEND_TIMEOUT", words: "nothing within", late: true },
  { what: "sends half the head and stalls", answer: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-"), code: "BACKEND_TIMEOUT", words: "nothing within", late: true },
  { what: "never ends a stream that has no answer", answer: (socket) => void floodSlowly(socket, `${head("200 OK", events)}: hello\n\n`, ": still here\n\n"), code: "BACKEND_TIMEOUT", words: "nothing within", late: true },
  { what: "sends a byte at a time", answer: (socket, id) => bytewise(socket, `${head("200 OK", json, "content-length: 100")}{"jsonrpc":"2.0","id":${id},"result":{}}`, 20), code: "BACKEND_TIMEOUT", words: "nothing within", late: true },
];

const packed = (text: string): Buffer => {
  const body = gzipSync(text);
  return Buffer.concat([Buffer.from(head("200 OK", json, "content-encoding: gzip", `content-length: ${body.length}`)), body]);
};
const bomb = (): Buffer => gzipSync(Buffer.alloc(256 * mebibyte));

/** Writes as fast as it is taken, until nobody takes it. */
async function floodUntilClosed(socket: Socket, ...parts: [string, string, string]): Promise<void> {
  socket.write(parts[0]);
  socket.write(parts[1]);
  const more = (): void => {
    while (!socket.destroyed && socket.write(parts[2]));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
}

function floodSlowly(socket: Socket, first: string, then: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(then), 5);
  socket.on("close", () => clearInterval(timer));
}

describe.each(["fetch", "node"] as const)("over %s, a server that", (way) => {
  // Without room for the quick client everything takes the other one.
  const limitsOf = (more: Partial<Limits> = {}): Partial<Limits> => ({ ...more, ...(way === "node" ? { fetchesMax: 0 } : {}) });

  test.each(cases)("$what", async ({ answer, code, words, late, limits }) => {
    await using peer = await createRudePeer(answer);
    await using remote = openRemote(peer.url, { name: "rude" }, limitsOf(limits));
    const from = performance.now();
    const fault = await failure(remote.ask("m", {}, late === true ? 400 : 30_000));
    expect([fault.code, fault.message]).toEqual([code, expect.stringContaining(words)]);
    expect(fault.message).toStartWith("rude: ");
    // What can be known is known long before the deadline.
    expect(performance.now() - from).toBeLessThan(5000);
    expect(remote.link.inFlight).toBe(0);
  }, 15_000);

  test("does not read what it is sent is given up at the deadline, and the connection with it", async () => {
    await using peer = await createRudePeer(() => undefined, false);
    await using remote = openRemote(peer.url, { name: "rude" }, limitsOf());
    const id = remote.link.nextId();
    const text = `{"jsonrpc":"2.0","id":${id},"method":"m","params":{"x":"${"x".repeat(16 * mebibyte)}"}}`;
    expect(await failure(remote.link.request({ id, text, headers: {}, timeoutMs: 300 }))).toMatchObject({ code: "BACKEND_TIMEOUT" });
    // What the system has taken already may still arrive; the rest is not kept for anybody.
    peer.resume();
    await peer.left();
    expect(peer.bytes).toBeLessThan(12 * mebibyte);
  }, 15_000);
});

describe("a server that floods its streams", () => {
  const news = `data: {"jsonrpc":"2.0","method":"news","params":{"text":"${"x".repeat(200)}"}}\n\n`.repeat(100);
  const limits = { noiseBytesMax: mebibyte, noiseWindowMs: 500 };

  test.each(["fetch", "node"] as const)("is held up by its connection: what is taken of it over %s is bounded in bytes, and its answer comes", async (way) => {
    let written = 0;
    await using peer = await createRudePeer((socket, id) => {
      socket.write(`${head("200 OK", events)}\n`);
      // The answer is somewhere within, behind more than is read at once.
      const more = (): void => {
        while (!socket.destroyed && written < 100_000_000) {
          written += news.length;
          if (written > 6 * mebibyte && written < 6 * mebibyte + news.length * 2) socket.write(`data: {"jsonrpc":"2.0","id":${id},"result":{}}\n\n`);
          if (!socket.write(news)) return void socket.once("drain", more);
        }
      };
      more();
    });
    await using remote = openRemote(peer.url, { name: "rude" }, { ...limits, ...(way === "node" ? { fetchesMax: 0 } : {}), trailMsMax: 100 });
    let heard = 0;
    const from = performance.now();
    const reply = await remote.ask("m", {}, 60_000, () => (heard += 1));
    expect(reply.message?.kind).toBe("result");
    const seconds = (performance.now() - from) / 1000;
    // One window's worth at the beginning, one for each that has passed, and a chunk more.
    expect(heard * (news.length / 100)).toBeLessThan(limits.noiseBytesMax * (2 + seconds * 2) + 2 * mebibyte);
    expect(seconds).toBeGreaterThan(1);
    // What the system has taken is its own; the rest was never written.
    expect(written).toBeLessThan(50_000_000);
  }, 30_000);
});
