import { describe, expect, test } from "bun:test";
import { isDocumentUrl } from "../../src/auth/cimd.ts";
import { Documents } from "../../src/auth/cimd.ts";
import { openStore } from "../../src/auth/store.ts";
import { defaultLimits, type EgressInit, type EgressReply, fault, type Limits } from "../../src/base/index.ts";
import { accessOf } from "../../src/config/index.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const url = "https://app.example/client.json";
const good = { client_id: url, client_name: "App", redirect_uris: ["http://127.0.0.1/cb"], grant_types: ["refresh_token"] };

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Documents with a way out whose answers the test gives. */
async function opened(clients: Parameters<typeof accessOf>[0] extends infer E ? NonNullable<NonNullable<E>["clients" & keyof NonNullable<E>]> : never, answer: (url: string, init: EgressInit) => Answer | Promise<Answer>, limits: Partial<Limits> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "cimd-"));
  const store = await openStore(join(folder, "state"));
  const clock = createTestClock();
  const asked: { readonly url: string; readonly init: EgressInit }[] = [];
  const send = async (to: string, init: EgressInit): Promise<EgressReply> => {
    asked.push({ url: to, init });
    const { status = 200, headers = {}, body = "" } = await answer(to, init);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const all = (max: number): Promise<Uint8Array> => (bytes.length > max ? Promise.reject(fault("BACKEND_GARBLED", { detail: "larger" })) : Promise.resolve(bytes));
    return { status, header: (name) => headers[name] ?? null, read: () => Promise.resolve(null), all, cancel: () => undefined };
  };
  const config = accessOf({ clients }, "/").clients;
  const make = (policy = config) => new Documents({ store, clock, limits: { ...defaultLimits, ...limits }, egress: { send, openStream: send }, clients: policy });
  return {
    documents: make(),
    again: make,
    clock,
    asked,
    async [Symbol.asyncDispose]() {
      store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const serving = (document: unknown, headers: Readonly<Record<string, string>> = {}) => (): Answer => ({ body: JSON.stringify(document), headers });

describe("the address of a document", () => {
  test.each([url, "https://app.example/a/b?x=1", "https://app.example:8443/c", "https://app.example/%7Eme", "https://app.example/..a/b"])("can be %s", (id) => expect(isDocumentUrl(id)).toBe(true));
  test.each(["http://app.example/c", "https://app.example", "https://app.example/", "https://app.example/c#x", "https://u@app.example/c", "https://app.example/a/../c", "https://app.example/./c", "https://app.example/%2e%2e/c", "https://APP.example/c", "HTTPS://app.example/c", "https://app.example:443/c", "https://app.example\\c", "https://app.example/c d", "https://app.example/ü", "https:/app.example/c", "c_1234567890", "", `https://app.example/${"x".repeat(2048)}`])("cannot be %s", (id) => expect(isDocumentUrl(id)).toBe(false));
});

describe("the policy", () => {
  test("lets known hosts and those of the operator in, exactly, and nobody else is even asked", async () => {
    await using stage = await opened({ allow: ["app.example"] }, serving(good));
    expect((await stage.documents.of(url, false)).ok).toBe(true);
    for (const other of ["https://app.example.evil.example/client.json", "https://www.app.example/client.json", "https://app.example:8443/client.json", "https://127.0.0.1/client.json"]) expect(await stage.documents.of(other, false)).toMatchObject({ ok: false, why: expect.stringContaining("auth.clients.allow") });
    expect(stage.asked.map((one) => one.url)).toEqual([url]);
    expect(stage.asked[0]?.init).toMatchObject({ method: "GET", reach: "public" });
    expect((await stage.documents.of("https://vscode.dev/x", false)).ok).toBe(false);
    expect(stage.asked).toHaveLength(2);
  });

  test("open asks anybody, off nobody", async () => {
    await using open = await opened({ cimd: "open" }, serving(good));
    expect((await open.documents.of(url, false)).ok).toBe(true);
    await using off = await opened({ cimd: "off" }, serving(good));
    expect([(await off.documents.of(url, false)).ok, off.asked.length]).toEqual([false, 0]);
  });

  test("pinned asks when the operator looks at it, and never again", async () => {
    await using stage = await opened({ cimd: "pinned" }, serving(good));
    const refused = { ok: false, why: expect.stringContaining("pinned") };
    expect(await stage.documents.of(url, false)).toMatchObject(refused);
    const { digest, ...shown } = await stage.documents.look(url);
    expect(shown).toEqual({ url, name: "App", domain: "app.example", redirectUris: ["http://127.0.0.1/cb"], signs: false });
    // That he has looked lets nobody in.
    expect(await stage.documents.of(url, true)).toMatchObject(refused);
    stage.documents.pin(url, digest);
    const pinnedAt = stage.clock.now();
    await stage.clock.advance(400 * 86_400_000);
    expect([(await stage.again().of(url, false)).ok, stage.again().pinned()]).toEqual([true, [{ ...shown, pinnedAt }]]);
    expect(stage.asked).toHaveLength(1);
    expect([stage.documents.unpin(url), stage.documents.unpin(url), stage.documents.pinned()]).toEqual([true, false, []]);
    expect(await stage.documents.of(url, true)).toMatchObject(refused);
  });

  test("pinned is what was shown, and nothing that a stranger had us fetch before", async () => {
    let document: object = good;
    await using stage = await opened({ cimd: "open" }, () => ({ body: JSON.stringify(document) }), { clientsMax: 1 });
    await stage.documents.of(url, false);
    const strict = stage.again(accessOf({ clients: { cimd: "pinned" } }, "/").clients);
    expect((await strict.of(url, true)).ok).toBe(false);
    const { digest } = await strict.look(url);
    for (const [other, shown] of [[url, `${digest}x`], ["https://app.example/other.json", digest]] as const) expect(() => strict.pin(other, shown)).toThrow("not what was looked at");
    strict.pin(url, digest);
    // Under another policy it may be fetched again, and stays pinned as it was.
    document = { ...good, client_name: "Changed" };
    await stage.clock.advance(86_400_000);
    expect(await stage.documents.of(url, false)).toMatchObject({ metadata: { name: "Changed" } });
    expect(await strict.of(url, false)).toMatchObject({ ok: true, metadata: { name: "App" } });
    const more = await strict.look("https://app.example/more.json").catch((thrown: Error) => thrown.message);
    expect(more).toContain("for another client");
    document = { ...good, client_id: "https://app.example/more.json" };
    expect(() => strict.pin("https://app.example/more.json", digest)).toThrow("not what was looked at");
    const second = await strict.look("https://app.example/more.json");
    expect(() => strict.pin(second.url, second.digest)).toThrow("limits.clientsMax is 1");
  });

  test("what cannot be pinned says why, and what is pinned and no longer taken is still shown", async () => {
    await using stage = await opened({ cimd: "pinned", redirectSchemes: ["app"] }, serving({ ...good, redirect_uris: ["app:/cb"] }), { clientFetchesMax: 1 });
    await expect(stage.documents.look("http://app.example/x")).rejects.toThrow("not the address");
    const { digest } = await stage.documents.look(url);
    stage.documents.pin(url, digest);
    await expect(stage.documents.look(url)).rejects.toThrow("too many");
    const stricter = stage.again(accessOf({ clients: { cimd: "pinned" } }, "/").clients);
    expect([(await stricter.of(url, false)).ok, stricter.pinned()[0]?.name]).toEqual([false, "(cannot be used any more)"]);
  });
});

describe("a document", () => {
  test("is kept for as long as it says, within bounds", async () => {
    for (const [header, afterMs] of [["max-age=1", 300_000], ["no-store", 300_000], ["public, max-age=3600", 3_600_000], ["max-age=99999999", 86_400_000]] as const) {
      await using stage = await opened({ cimd: "open" }, serving(good, { "cache-control": header }));
      await stage.documents.of(url, false);
      await stage.clock.advance(afterMs - 1);
      await stage.documents.of(url, false);
      expect([header, stage.asked.length]).toEqual([header, 1]);
      await stage.clock.advance(1);
      await stage.documents.of(url, false);
      expect([header, stage.asked.length]).toEqual([header, 2]);
    }
  });

  test("that was had once serves whoever redeems or renews, though its server is gone", async () => {
    let isGone = false;
    await using stage = await opened({ cimd: "open" }, () => (isGone ? { status: 500 } : { body: JSON.stringify(good) }));
    await stage.documents.of(url, false);
    isGone = true;
    await stage.clock.advance(86_400_000);
    expect([(await stage.documents.of(url, false)).ok, (await stage.documents.of(url, true)).ok]).toEqual([false, true]);
    expect((await stage.again().of(url, true)).ok).toBe(true);
  });

  test("that cannot be had is not asked for again at once, nor twice at the same time", async () => {
    await using stage = await opened({ cimd: "open" }, () => ({ status: 404 }));
    const results = await Promise.all([stage.documents.of(url, false), stage.documents.of(url, false)]);
    expect(results.map(({ ok }) => ok)).toEqual([false, false]);
    expect(stage.asked).toHaveLength(1);
    await stage.clock.advance(59_999);
    await stage.documents.of(url, false);
    expect(stage.asked).toHaveLength(1);
    await stage.clock.advance(1);
    await stage.documents.of(url, false);
    expect(stage.asked).toHaveLength(2);
  });

  test("is one of ten in a minute", async () => {
    await using stage = await opened({ cimd: "open" }, () => ({ status: 404 }));
    const ask = (from: number) => Promise.all(Array.from({ length: 12 }, (_, index) => stage.documents.of(`https://app.example/${from + index}`, false)));
    expect((await ask(0)).filter((result) => !result.ok && result.why.includes("in a minute"))).toHaveLength(2);
    expect(stage.asked).toHaveLength(10);
    await stage.clock.advance(60_000);
    await ask(100);
    expect(stage.asked).toHaveLength(20);
  });

  test("that does not come in five seconds is given up", async () => {
    await using stage = await opened({ cimd: "open" }, (_url, init) => new Promise<Answer>((_resolve, reject) => init.signal.addEventListener("abort", () => reject(fault("CALL_CANCELLED")))));
    const result = stage.documents.of(url, false);
    await stage.clock.advance(5_000);
    expect(await result).toMatchObject({ ok: false, why: expect.stringContaining("cannot be had") });
  });

  test.each([
    ["larger than 5 KB", { body: JSON.stringify({ ...good, more: "x".repeat(5 * 1024) }) }],
    ["no JSON", { body: "<html>" }],
    ["no text", { body: new Uint8Array([0xff, 0xfe]) }],
    ["a list", { body: "[]" }],
    ["for another client", { body: JSON.stringify({ ...good, client_id: `${url}/` }) }],
    ["with a secret", { body: JSON.stringify({ ...good, client_secret: "x" }) }],
    ["with a shared secret's method", { body: JSON.stringify({ ...good, token_endpoint_auth_method: "client_secret_post" }) }],
    ["with a private key", { body: JSON.stringify({ ...good, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "EC", d: "x" }] } }) }],
    ["without a name", { body: JSON.stringify({ ...good, client_name: undefined }) }],
    ["without redirects", { body: JSON.stringify({ ...good, redirect_uris: [] }) }],
    ["with a picture that runs", { body: JSON.stringify({ ...good, logo_uri: "javascript:alert(1)" }) }],
    ["behind a redirect", { status: 302, headers: { location: "https://elsewhere.example" } }],
  ])("%s is refused", async (_what, answer) => {
    await using stage = await opened({ cimd: "open" }, () => answer as Answer);
    expect((await stage.documents.of(url, false)).ok).toBe(false);
  });
});
