/** A command that asks a proxy which listens, both inside the test. */
import { describe, expect, test } from "bun:test";
import { CancelSource } from "../../src/base/index.ts";
import { type Asking, reach } from "../../src/compose/index.ts";
import { pidServer, type Place, placeOf } from "../fixtures/placed.ts";
import { located } from "../fixtures/serve.ts";

const reaching = ({ around }: Place, more: Partial<Parameters<typeof reach>[0]> = {}) => reach({ ...around, url: null, token: null, timeoutMs: 10_000, ...more });
const called = (asking: Asking, server: string, name: string) => asking.call(server, { method: "tools/call", params: located(JSON.stringify({ name, arguments: {} })), capabilities: "{}", cancel: new CancelSource(), notice: String, ask: () => Promise.reject(new Error("nobody asks")) });

describe("a proxy that is reached", () => {
  test("tells its servers, and each answers by itself, until it is let go", async () => {
    await using place = await placeOf({ mcpServers: { raw: pidServer, other: pidServer } });
    await place.start({ insecureNoAuth: false });
    const reached = await reaching(place);
    expect((await reached.servers()).map(({ name }) => name)).toEqual(["raw", "other"]);
    const asking = await reached.ask(["raw", "other"]);
    expect((await asking.describe("raw")).capabilities).toContain('"tools"');
    const pids = await Promise.all(["raw", "other"].map(async (server) => /"text":"(\d+)"/.exec(JSON.stringify(await called(asking, server, "pid")).replaceAll("\\", ""))?.[1]));
    expect(new Set(pids.filter((pid) => pid !== undefined)).size).toBe(2);
    expect(await called(asking, "raw", "nothing")).toMatchObject({ kind: "failed" });
    await reached.close();
    await reached.close();
    expect(await called(asking, "raw", "pid")).toMatchObject({ kind: "failed" });
    expect(process.listenerCount("exit")).toBe(1);
  });

  test("shows of a server what a selection leaves", async () => {
    await using place = await placeOf({ mcpServers: { raw: { ...pidServer, tags: ["some"] } } });
    await place.start();
    for (const [filter, kind] of [["some", "done"], ["others", "failed"]] as const) {
      const reached = await reaching(place, { filter });
      expect(await called(await reached.ask(["raw"]), "raw", "pid")).toMatchObject({ kind });
      await reached.close();
    }
  });

  test("says which token it wants", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await using stranger = await placeOf({});
    const { url } = await place.start({ insecureNoAuth: false });
    await expect((await reaching(place, { token: "wrong" })).servers()).rejects.toMatchObject({ code: "TOKEN_INVALID" });
    await expect((await reaching(stranger, { url })).servers()).rejects.toMatchObject({ code: "TOKEN_MISSING" });
  });
});

describe("where there is nobody to ask", () => {
  test("that is said, with how to start one", async () => {
    await using place = await placeOf({});
    await expect(reaching(place)).rejects.toMatchObject({ code: "SERVER_AWAY", hint: expect.stringContaining("1mcp serve") });
    const gone = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
    await gone.stop(true);
    const reached = await reaching(place, { url: new URL("/mcp", gone.url).href });
    await expect(reached.servers()).rejects.toMatchObject({ code: "SERVER_AWAY" });
    await expect(reached.ask(["a"]).then((asking) => asking.describe("a"))).rejects.toThrow();
    await reached.close();
    await expect((await reaching(place, { url: "ftp://127.0.0.1/" })).ask(["a"])).rejects.toMatchObject({ code: "USAGE" });
  });

  test("it may be somebody who lets nobody see, who answers something else, or not in time", async () => {
    await using place = await placeOf({});
    const answers: Readonly<Record<string, () => Response | Promise<Response>>> = { "SCOPE_MISSING 403": () => new Response("", { status: 403 }), "SERVER_AWAY 404": () => new Response("", { status: 404 }), "SERVER_AWAY text": () => new Response("welcome"), "SERVER_AWAY silence": () => new Promise<Response>(() => undefined) };
    for (const [what, fetch] of Object.entries(answers)) {
      const somebody = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
      const reached = await reaching(place, { url: new URL("/mcp", somebody.url).href, timeoutMs: what.includes("silence") ? 50 : 10_000 });
      await expect(reached.servers()).rejects.toMatchObject({ code: what.split(" ")[0] });
      await somebody.stop(true);
    }
  });

  test("it is told where that was, and what keeps it from answering, but nothing else of the address", async () => {
    await using place = await placeOf({});
    const why = async (fetch: () => Response | Promise<Response>, isGone = false): Promise<string> => {
      const somebody = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
      if (isGone) await somebody.stop(true);
      const reached = await reaching(place, { url: new URL("/mcp?key=s3cret", somebody.url).href, timeoutMs: 50 });
      const message = await reached.servers().then(() => "", ({ message }: Error) => message.replaceAll(somebody.url.origin, "THERE"));
      await somebody.stop(true);
      return message;
    };
    for (const body of ["welcome", "null", "{}", '{"servers":{}}', '{"servers":{"details":null}}']) expect(await why(() => new Response(body))).toBe("no 1mcp server can be reached (THERE is answered by another program)");
    expect(await why(() => new Promise<Response>(() => undefined))).toBe("no 1mcp server can be reached (THERE does not answer within 50 ms)");
    expect(await why(() => new Response("", { status: 404 }))).toBe("no 1mcp server can be reached (THERE answers with status 404)");
    expect(await why(() => new Response(""), true)).toBe("no 1mcp server can be reached (THERE: the server is not available (no connection: ECONNREFUSED))");
  });
});
