import { expect, test } from "bun:test";
import { createEgress, defaultLimits, type EgressInit, type Fault, type Lookup } from "../../src/base/index.ts";
import { pinOf, publicLookup } from "../../src/base/pin.ts";
import { certified } from "../fixtures/certificates.ts";

const init = (more: Partial<EgressInit> = {}): EgressInit => ({ method: "GET", headers: {}, signal: new AbortController().signal, backend: "stranger", reach: "public", ...more });
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then(() => Promise.reject(new Error("it worked")), (thrown: Fault) => thrown);
const none: Lookup = { ...publicLookup, resolve: () => Promise.reject(new Error("nobody was to be asked")) };

/** A name server that answers each question with the next list, and the last one for ever. */
function names(...answers: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const resolve = async (host: string): Promise<readonly string[]> => {
    asked.push(host);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  return { asked, resolve };
}

test.each([
  ...["http://example.com/", "ftp://example.com/", "https://user@example.com/", "https://:pw@example.com/", "not a url", ""],
  ...["https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://0177.0.0.1/", "https://2130706433/", "https://017700000001/", "https://0/", "https://127.0.0.1./"],
  ...["https://10.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/"],
  ...["https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://１２７.0.0.1/"],
])("nobody is asked for %p", async (url) => {
  expect((await failure(pinOf(url, init(), none))).code).toBe("ADDRESS_REFUSED");
});

test("the system's own names for this computer are refused by what they lead to", async () => {
  expect((await failure(pinOf("https://localhost/", init(), publicLookup))).code).toBe("ADDRESS_REFUSED");
});

test("a name is refused for any address that is not public, wherever it stands in the answer, and for none", async () => {
  for (const addresses of [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["2606:4700::1111", "::1"], []])
    expect((await failure(pinOf("https://example.com/", init(), { ...none, resolve: async () => addresses }))).code).toBe("ADDRESS_REFUSED");
});

test("a name is looked up once, and the connection goes to what was found", async () => {
  const { asked, resolve } = names(["8.8.8.8", "8.8.4.4"], ["127.0.0.1"]);
  expect(await pinOf("https://example.com:8443/a?b=c#d", init(), { ...none, resolve })).toEqual({ hostname: "8.8.8.8", port: 8443, path: "/a?b=c", host: "example.com:8443", servername: "example.com", ca: null });
  expect(asked).toEqual(["example.com"]);
  expect(await pinOf("https://[2606:4700::1111]/", init(), none)).toMatchObject({ hostname: "2606:4700::1111", servername: "", port: 443, host: "[2606:4700::1111]" });
});

test("a name that nobody knows, and a look-up that takes too long, are told", async () => {
  expect((await failure(pinOf("https://example.com/", init(), none))).code).toBe("BACKEND_DOWN");
  const late = new AbortController();
  const waiting = failure(pinOf("https://example.com/", init({ signal: late.signal }), { ...none, resolve: () => new Promise(() => undefined) }));
  late.abort();
  expect((await waiting).code).toBe("CALL_CANCELLED");
  expect((await failure(pinOf("https://example.com/", init({ signal: late.signal }), none))).code).toBe("CALL_CANCELLED");
});

test("the pinned address is asked under its name, with the name's own certificate and nobody else's, and never through a proxy", async () => {
  const { cert, key } = await certified("pinned.example");
  const seen: (string | null)[] = [];
  await using server = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: { cert, key }, fetch: (request) => (seen.push(request.headers.get("host"), new URL(request.url).pathname), new Response("document")) });
  const lookup: Lookup = { resolve: async () => ["127.0.0.1"], isPublic: (address) => address === "127.0.0.1", ca: cert };
  const egress = (by: Lookup) => createEgress({ limits: defaultLimits, env: { HTTPS_PROXY: "http://127.0.0.1:1" }, lookup: by });
  const reply = await egress(lookup).send(`https://pinned.example:${server.port}/doc`, init());
  expect([reply.status, new TextDecoder().decode(await reply.all(100))]).toEqual([200, "document"]);
  expect(seen).toEqual([`pinned.example:${server.port}`, "/doc"]);
  const stream = await egress(lookup).openStream(`https://pinned.example:${server.port}/`, init());
  expect((await stream.all(100)).length).toBe(8);
  const refused = async (url: string, by: Lookup) => (await failure(egress(by).send(url, init()))).message;
  expect(await refused(`https://other.example:${server.port}/`, lookup)).toContain("certificate is not accepted");
  expect(await refused(`https://pinned.example:${server.port}/`, { ...lookup, ca: null })).toContain("certificate is not accepted");
  expect(seen.length).toBe(4);
});
