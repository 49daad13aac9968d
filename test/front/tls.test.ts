import { describe, expect, test } from "bun:test";
import { rename, writeFile } from "node:fs/promises";
import { connect, type SecureVersion } from "node:tls";
import { createLog, defaultLimits, systemClock } from "../../src/base/index.ts";
import { openRenewing, readTls } from "../../src/front/tls.ts";
import { certified } from "../fixtures/certificates.ts";
import { createFolder } from "../fixtures/folder.ts";
import { openFront } from "../fixtures/front.ts";

/** What a client says that knows nothing newer. */
async function oldHandshake(port: number, version: string): Promise<string> {
  const child = Bun.spawn(["openssl", "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect", `127.0.0.1:${port}`], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  return child.stderr.text();
}

async function files() {
  const folder = await createFolder();
  const put = async (name: string): Promise<string> => {
    const { cert, key } = await certified(name);
    // As renewers do it: aside, then in its place.
    await Promise.all([writeFile(folder.at("key.new"), key, { mode: 0o600 }), writeFile(folder.at("cert.new"), cert)]);
    await rename(folder.at("key.new"), folder.at("key.pem"));
    await rename(folder.at("cert.new"), folder.at("cert.pem"));
    return cert;
  };
  return { folder, put, tls: { cert: folder.at("cert.pem"), key: folder.at("key.pem"), ca: null, requestCert: false }, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** Log lines, and a promise for each that is waited for. */
function lines() {
  const all: string[] = [];
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const log = createLog({ level: "debug", write: (line) => (all.push(line), waiting.filter(({ text }) => line.includes(text)).forEach(({ resolve }) => resolve())), pretty: false, clock: systemClock, secrets: { add: () => undefined, scrub: (text) => text } });
  return { log, all, said: (text: string): Promise<void> => new Promise((resolve) => waiting.push({ text, resolve })) };
}

interface Handshake {
  readonly ca?: string;
  readonly version?: SecureVersion;
  readonly cert?: string;
  readonly key?: string;
}

/** Whose certificate a handshake shows, or with what it failed. */
const handshake = (port: number, { ca, version, cert, key }: Handshake = {}): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: ca !== undefined, ...(ca === undefined ? {} : { ca, servername: "one.test" }), ...(version === undefined ? {} : { minVersion: version, maxVersion: version }), ...(cert === undefined || key === undefined ? {} : { cert, key }) }, () => {
      const name = `${String(socket.getPeerCertificate().subject.CN)} ${socket.getProtocol()}`;
      socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      socket.once("data", () => (socket.destroy(), resolve(name)));
    });
    socket.on("error", (error) => resolve(`failed ${(error as NodeJS.ErrnoException).code}`));
    socket.on("close", () => resolve("closed"));
  });

test("files that cannot be read or do not fit together are refused, with what to do", async () => {
  await using all = await files();
  const refused = (more: object) => readTls({ ...all.tls, ...more }).then(() => "read", (thrown: Error) => thrown.message.replaceAll(all.folder.path, ""));
  expect(await refused({})).toContain("/cert.pem cannot be read");
  await all.put("one.test");
  expect(await refused({})).toBe("read");
  expect(await refused({ ca: all.folder.at("none.pem") })).toContain("/none.pem cannot be read");
  await writeFile(all.folder.at("ca.pem"), "no certificate");
  expect(await refused({ ca: all.folder.at("ca.pem") })).toContain("do not fit together");
  await writeFile(all.tls.key, (await certified("other.test")).key);
  expect(await refused({})).toContain("do not fit together");
});

describe("a front with a certificate", () => {
  test("speaks TLS 1.2 and 1.3, nothing older, and is called https", async () => {
    await using all = await files();
    const ca = await all.put("one.test");
    await using front = await openFront({ tls: all.tls });
    expect(front.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/mcp$/);
    const port = Number(new URL(front.url).port);
    expect(await handshake(port, { ca })).toBe("one.test TLSv1.3");
    expect(await handshake(port, { version: "TLSv1.2" })).toBe("one.test TLSv1.2");
    for (const version of ["-tls1", "-tls1_1"]) expect(await oldHandshake(port, version)).toContain("alert protocol version");
    const answer = await fetch(`${front.origin}/health/live`, { tls: { ca } });
    expect(answer.status).toBe(200);
  });

  test("takes a new one while it runs; who is connected stays, and files that do not fit change nothing", async () => {
    await using all = await files();
    const ca = await all.put("one.test");
    const { log, all: logged, said } = lines();
    await using front = await openFront({ tls: all.tls, log, limits: { ...defaultLimits, reloadQuietMs: 20 } });
    const port = Number(new URL(front.url).port);
    const standing = await new Promise<import("node:tls").TLSSocket>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", ca, servername: "one.test" }, () => resolve(socket));
    });
    const refused = said("could not be renewed");
    await writeFile(all.tls.key, (await certified("other.test")).key);
    await refused;
    expect(await handshake(port)).toBe("one.test TLSv1.3");
    const renewed = said("has been renewed");
    await all.put("two.test");
    await renewed;
    expect(await handshake(port)).toBe("two.test TLSv1.3");
    const answer = new Promise<string>((resolve) => standing.once("data", (chunk) => resolve(chunk.toString())));
    standing.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await answer).toStartWith("HTTP/1.1 200");
    standing.destroy();
    expect(logged.filter((line) => line.includes("has been renewed")).length).toBe(1);
  });

  test("that asks for clients' certificates lets in nobody without one of the right issuer", async () => {
    await using all = await files();
    await all.put("one.test");
    const [client, stranger] = [await certified("client.test"), await certified("stranger.test")];
    await writeFile(all.folder.at("ca.pem"), client.cert);
    await using front = await openFront({ tls: { ...all.tls, ca: all.folder.at("ca.pem"), requestCert: true } });
    const port = Number(new URL(front.url).port);
    expect(await handshake(port, client)).toBe("one.test TLSv1.3");
    expect(await handshake(port)).toMatch(/^failed|^closed/);
    expect(await handshake(port, stranger)).toMatch(/^failed|^closed/);
  });
});

test("a port that somebody else took in the moment between is asked for until it is free", async () => {
  await using all = await files();
  await all.put("one.test");
  const { log, said } = lines();
  const opened: (number | null)[] = [];
  const renewing = await openRenewing({
    files: all.tls,
    open: (_tls, port) => {
      opened.push(port);
      if (opened.length === 2) throw new Error("taken");
      return { port: 7, stop: async () => undefined };
    },
    quietMs: 5,
    clock: systemClock,
    log,
  });
  const renewed = said("has been renewed");
  await all.put("two.test");
  await renewed;
  expect(opened).toEqual([null, 7, 7]);
  await renewing.stop(true);
});
