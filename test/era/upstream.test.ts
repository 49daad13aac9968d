import { describe, expect, test } from "bun:test";
import { connectUpstream } from "../../src/era/upstream.ts";
import { callOf } from "../fixtures/calls.ts";
import { benchOf, discovered, faultCodeOf, initialized, legacyScript, modernScript, type Said, type Script, textOf, unknownMethod } from "../fixtures/wire.ts";

const connect = (transport: "stdio" | "http" | "sse", script: Script) => {
  const bench = benchOf(transport, script);
  return { bench, upstream: connectUpstream(bench.wire, bench.options, bench.south) };
};
const target = { backend: "box", name: null, timeoutMs: 1_000, tool: null };
const revisionOf = async (connecting: ReturnType<typeof connect>["upstream"]): Promise<string> => (await connecting).facts.revision;

describe("a server on stdio", () => {
  test("that discovers is spoken to without handshake", async () => {
    const { bench, upstream } = connect("stdio", modernScript());
    expect(await revisionOf(upstream)).toBe("2026-07-28");
    expect(bench.wire.methods()).toEqual(["server/discover"]);
  });

  test("that refuses is opened with a handshake", async () => {
    const { bench, upstream } = connect("stdio", legacyScript());
    expect(await revisionOf(upstream)).toBe("2025-11-25");
    expect(bench.wire.methods()).toEqual(["server/discover", "initialize"]);
    expect(bench.wire.sent.map((one) => one.text)).toEqual(['{"jsonrpc":"2.0","method":"notifications/initialized"}']);
  });

  test("that keeps silent is opened with a handshake after a while", async () => {
    const { bench, upstream } = connect("stdio", (one) => (one.method === "initialize" ? { result: initialized() } : "silent"));
    await bench.clock.advance(10_000);
    expect(await revisionOf(upstream)).toBe("2025-11-25");
  });

  test("that exits on the probe is started again, and opened with a handshake", async () => {
    const { bench, upstream } = connect("stdio", (one) => (one.method === "initialize" ? { result: initialized() } : { fault: "BACKEND_GONE" }));
    expect(await revisionOf(upstream)).toBe("2025-11-25");
    expect(bench.wire.deeds).toEqual(["respawn"]);
  });

  test("that starts slowly and then exits on the probe is started again once", async () => {
    const opening: Said[] = [{ fault: "BACKEND_GONE" }, { result: initialized() }];
    const { bench, upstream } = connect("stdio", (one) => (one.method === "initialize" ? (opening.shift() as Said) : "silent"));
    await bench.clock.advance(10_000);
    await bench.clock.settle();
    expect(await revisionOf(upstream)).toBe("2025-11-25");
    expect(bench.wire.deeds).toEqual(["respawn"]);
  });

  // Checklist: S1
  test("that starts slowly and then discovers ends up modern, its handshake forgotten", async () => {
    const { bench, upstream } = connect("stdio", () => "silent");
    await bench.clock.advance(10_000);
    const opening = bench.wire.last("initialize");
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered() });
    expect(await revisionOf(upstream)).toBe("2026-07-28");
    expect(bench.wire.abandoned).toEqual([opening.id]);
  });

  test("that refuses the handshake first and discovers later ends up modern", async () => {
    const { bench, upstream } = connect("stdio", (one) => (one.method === "initialize" ? { error: unknownMethod } : "silent"));
    await bench.clock.advance(10_000);
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered() });
    expect(await revisionOf(upstream)).toBe("2026-07-28");
  });

  test("that refuses both is refused", async () => {
    const { bench, upstream } = connect("stdio", (one) => (one.method === "initialize" ? { error: unknownMethod } : "silent"));
    const code = faultCodeOf(upstream);
    await bench.clock.advance(10_000);
    bench.wire.answer(bench.wire.last("server/discover").id, { error: unknownMethod });
    expect(await code).toBe("BACKEND_REFUSED");
  });

  test("that discovers even after its handshake changes its dialect, and its lists may have changed", async () => {
    const { bench, upstream } = connect("stdio", (one) => {
      if (one.method === "server/discover") return "silent";
      return one.method === "initialize" ? { result: initialized() } : { result: '{"content":[]}' };
    });
    await bench.clock.advance(10_000);
    const up = await upstream;
    await up.call(callOf("tools/call", '{"name":"a"}'), target);
    expect(bench.wire.last("tools/call").text).not.toContain("_meta");
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered() });
    await bench.clock.settle();
    expect(up.facts.revision).toBe("2026-07-28");
    expect(bench.changed).toEqual(["tools", "prompts", "resources"]);
    await up.call(callOf("tools/call", '{"name":"a"}'), target);
    expect(bench.wire.last("tools/call").text).toContain("io.modelcontextprotocol/protocolVersion");
  });

  test("that discovers after its handshake is asked again for what was subscribed to, and that may have changed", async () => {
    const updates: string[] = [];
    const able = '{"resources":{"subscribe":true}}';
    const bench = benchOf("stdio", ({ method }) => (method === "server/discover" || method === "subscriptions/listen" ? "silent" : { result: method === "initialize" ? initialized(able) : "{}" }), { updated: (uri) => updates.push(uri) });
    const upstream = connectUpstream(bench.wire, bench.options, bench.south);
    await bench.clock.advance(10_000);
    const up = await upstream;
    expect([await up.subscribe("a://1", "{}"), await up.subscribe("a://2", "{}")]).toEqual([true, true]);
    await up.unsubscribe("a://2", "{}");
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered(able) });
    await bench.clock.settle();
    const { id, params } = bench.wire.last("subscriptions/listen");
    expect(textOf(params)).toContain('"resourceSubscriptions":["a://1"]');
    bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":["a://1"]},"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}}}`);
    await bench.clock.settle();
    expect(updates).toEqual(["a://1"]);
    bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://1","_meta":{"io.modelcontextprotocol/subscriptionId":${id}}}}`);
    expect(updates).toEqual(["a://1", "a://1"]);
  });

  test("that discovers while it is asked for a resource is asked in its own dialect as well", async () => {
    const able = '{"resources":{"subscribe":true}}';
    const bench = benchOf("stdio", ({ method }) => (method === "initialize" ? { result: initialized(able) } : "silent"));
    const upstream = connectUpstream(bench.wire, bench.options, bench.south);
    await bench.clock.advance(10_000);
    const wish = (await upstream).subscribe("a://1", '{"roots":{}}');
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered(able) });
    await bench.clock.settle();
    bench.wire.answer(bench.wire.last("resources/subscribe").id, { result: "{}" });
    await bench.clock.settle();
    const { id, params } = bench.wire.last("subscriptions/listen");
    expect(textOf(params)).toContain('"io.modelcontextprotocol/clientCapabilities":{"roots":{}}');
    bench.wire.push(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":["a://1"]},"_meta":{"io.modelcontextprotocol/subscriptionId":${id}}}}`);
    expect(await wish).toBe(true);
  });

  test("that discovers after it was closed is left alone", async () => {
    const { bench, upstream } = connect("stdio", (one) => (one.method === "server/discover" ? "silent" : { result: initialized() }));
    await bench.clock.advance(10_000);
    const up = await upstream;
    await up.close();
    await up.close();
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered() });
    await bench.clock.settle();
    expect(up.facts.revision).toBe("2025-11-25");
  });

  test("may ping before its handshake", async () => {
    const { bench, upstream } = connect("stdio", () => "silent");
    void faultCodeOf(upstream);
    bench.wire.push('{"jsonrpc":"2.0","id":1,"method":"ping"}');
    bench.wire.push('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');
    expect(bench.wire.sent.map((one) => one.text)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{}}']);
  });
});

describe("a server over HTTP", () => {
  const statuses = (discover: Said, initialize: Said): Script => (one) => (one.method === "server/discover" ? discover : initialize);

  // Checklist: S2
  test("that knows neither request is asked for HTTP+SSE", async () => {
    const answers: Said[] = [{ status: 405 }, { status: 405 }, { result: initialized('{"tools":{}}', "2024-11-05") }];
    const { bench, upstream } = connect("http", () => answers.shift() as Said);
    bench.wire.sseOffered = true;
    expect(await revisionOf(upstream)).toBe("2024-11-05");
    expect((await upstream).facts.announces).toBe(false);
    expect(bench.wire.deeds).toEqual(["openSse"]);
    expect(bench.wire.sent.at(-1)?.headers).toEqual({ "mcp-protocol-version": "2024-11-05" });
  });

  test.each([
    ["that has both eras has a session, unasked for the newer one", { result: initialized() }, "2025-11-25", ["initialize"]],
    ["that refuses it is asked for the newer one", { error: '{"code":-32022,"message":"no"}', status: 400 }, "2026-07-28", ["initialize", "server/discover"]],
  ] as [string, Said, string, string[]][])("where the older era is preferred: one %s", async (_, opening, revision, methods) => {
    const { wire, options, south } = benchOf("http", (one) => (one.method === "initialize" ? opening : modernScript()(one)), { era: "older" });
    expect((await connectUpstream(wire, options, south)).facts.revision).toBe(revision);
    expect(wire.methods().slice(0, methods.length)).toEqual(methods);
    expect(wire.deeds).toEqual([]);
  });

  test.each([400, 404, 405])("that refuses with %d and has no HTTP+SSE is refused", async (status) => {
    const { bench, upstream } = connect("http", statuses({ status }, { status }));
    expect(await faultCodeOf(upstream)).toBe("BACKEND_REFUSED");
    expect(bench.wire.deeds).toEqual(["openSse"]);
  });

  // Checklist: S2
  test("that is unavailable now is not asked anything else", async () => {
    const { bench, upstream } = connect("http", statuses({ status: 503 }, { result: initialized() }));
    expect(await faultCodeOf(upstream)).toBe("BACKEND_DOWN");
    expect(bench.wire.methods()).toEqual(["server/discover"]);
  });

  test("lists everything through whichever dialect", async () => {
    for (const script of [modernScript(() => ({ result: '{"resultType":"complete","tools":[{"name":"a"}],"ttlMs":5,"cacheScope":"public"}' })), legacyScript(() => ({ result: '{"tools":[{"name":"a"}]}' }))]) {
      const { upstream } = connect("http", script);
      expect((await (await upstream).list("tools")).items).toEqual(['{"name":"a"}']);
    }
  });
});

describe("a sign of life", () => {
  const eras = [
    ["2026-07-28", modernScript(), "server/discover"],
    ["2025-11-25", legacyScript(), "ping"],
  ] as const;
  for (const [revision, script, method] of eras) {
    test(`of a server of ${revision} is whatever it answers to ${method}, within the time`, async () => {
      for (const transport of ["stdio", "http"] as const) {
        const { bench, upstream } = connect(transport, script);
        const { alive } = await upstream;
        const signs: [Said, boolean][] = [
          [{ result: "{}" }, true],
          [{ error: unknownMethod }, true],
          [{ status: 500 }, true],
          [{ fault: "BACKEND_GONE" }, true],
          [{ fault: "BACKEND_TIMEOUT" }, false],
          [{ fault: "BACKEND_BUSY" }, false],
        ];
        for (const [said, expected] of signs) {
          bench.wire.script = () => said;
          expect([said, await alive(1234)]).toEqual([said, expected]);
          expect([bench.wire.arrived.at(-1)?.method, bench.wire.arrived.at(-1)?.timeoutMs]).toEqual([method, 1234]);
        }
      }
    });
  }
});
