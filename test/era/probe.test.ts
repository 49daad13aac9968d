import { describe, expect, test } from "bun:test";
import { type Verdict, verdictOf } from "../../src/era/probe.ts";
import { benchOf, discovered, faultCodeOf, metaOf, type Said, unknownMethod } from "../fixtures/wire.ts";

const probe = (transport: "stdio" | "http", said: Said, era: "auto" | "modern" | "legacy" = "auto"): { bench: ReturnType<typeof benchOf>; verdict: Promise<Verdict> } => {
  const bench = benchOf(transport, () => said, { era });
  return { bench, verdict: verdictOf(bench.south) };
};

describe("on stdio", () => {
  // Checklist: S1
  test("a discovery result is a modern server", async () => {
    const { bench, verdict } = probe("stdio", { result: discovered() });
    expect(await verdict).toMatchObject({ era: "modern", revision: "2026-07-28" });
    expect(bench.wire.methods()).toEqual(["server/discover"]);
    expect(metaOf(bench.wire.last("server/discover"))).toEqual({
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "1mcp", version: "9.9.9" },
      "io.modelcontextprotocol/clientCapabilities": {},
    });
    expect(bench.wire.last("server/discover").headers).toEqual({});
  });

  test.each([
    ["method not found", { error: unknownMethod }],
    ["any other error", { error: '{"code":-32020,"message":"what?"}' }],
    ["an unsupported version without a list", { error: '{"code":-32022,"message":"no"}' }],
    ["an unsupported version that names an older revision", { error: '{"code":-32022,"message":"no","data":{"supported":["2025-11-25"]}}' }],
    ["an empty result", { result: "{}" }],
    ["a result that is no discovery", { result: '{"supportedVersions":["2026-07-28"]}' }],
    ["a discovery of older revisions only", { result: '{"supportedVersions":["2025-06-18"],"capabilities":{}}' }],
  ] as [string, Said][])("%s is an older server", async (_, said) => {
    const { bench, verdict } = probe("stdio", said);
    expect(await verdict).toEqual({ era: "legacy", late: null });
    expect(bench.wire.deeds).toEqual([]);
  });

  test("a server that names the revision again is asked again, and then believed or not", async () => {
    const refusal: Said = { error: '{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}' };
    const { bench, verdict } = probe("stdio", refusal);
    expect(await faultCodeOf(verdict)).toBe("BACKEND_REFUSED");
    expect(bench.wire.methods()).toEqual(["server/discover", "server/discover"]);
    let first = true;
    const second = benchOf("stdio", () => {
      const said: Said = first ? refusal : { result: discovered() };
      first = false;
      return said;
    });
    expect(await verdictOf(second.south)).toMatchObject({ era: "modern" });
  });

  test("a server without a mutual revision is refused", async () => {
    const { verdict } = probe("stdio", { error: '{"code":-32022,"message":"no","data":{"supported":["2031-01-01"]}}' });
    expect(await faultCodeOf(verdict)).toBe("BACKEND_REFUSED");
  });

  // Checklist: S1
  test("silence is an older server, until it answers after all", async () => {
    const { bench, verdict } = probe("stdio", "silent");
    await bench.clock.advance(9_999);
    await bench.clock.advance(1);
    const judged = await verdict;
    expect(judged.era).toBe("legacy");
    bench.wire.answer(bench.wire.last("server/discover").id, { result: discovered() });
    expect(await (judged as { late: Promise<unknown> }).late).toMatchObject({ era: "modern" });
  });

  test("a late refusal, and a late failure, change nothing", async () => {
    for (const said of [{ error: unknownMethod }, { fault: "BACKEND_TIMEOUT" }] as Said[]) {
      const { bench, verdict } = probe("stdio", "silent");
      await bench.clock.advance(10_000);
      const { late } = (await verdict) as { late: Promise<unknown> };
      bench.wire.answer(bench.wire.last("server/discover").id, said);
      expect(await late).toBeNull();
    }
  });

  // Checklist: S1
  test("a server that exits is an older one and is started again", async () => {
    const { bench, verdict } = probe("stdio", { fault: "BACKEND_GONE" });
    expect(await verdict).toEqual({ era: "legacy", late: null });
    expect(bench.wire.deeds).toEqual(["respawn"]);
  });

  test("an answer in time leaves no timer behind", async () => {
    const { bench, verdict } = probe("stdio", { result: discovered() });
    await verdict;
    await bench.clock.settle();
    expect(bench.clock.pending).toBe(0);
  });
});

describe("over HTTP", () => {
  test.each([
    ["400 without a body", { status: 400 }],
    ["400 with a page", { status: 400, text: "<html>" }],
    ["400 with an error that names no id", { status: 400, text: '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Server not initialized"}}' }],
    ["404 with method not found", { error: unknownMethod, status: 404 }],
    ["404 without a body", { status: 404 }],
    ["405", { status: 405 }],
    ["200 with method not found", { error: unknownMethod }],
    ["406", { status: 406 }],
  ] as [string, Said][])("%s is an older server", async (_, said) => {
    expect(await probe("http", said).verdict).toEqual({ era: "legacy", late: null });
  });

  // Checklist: S2
  test("a discovery result is a modern server, and the request had its headers", async () => {
    const { bench, verdict } = probe("http", { result: discovered() });
    expect(await verdict).toMatchObject({ era: "modern" });
    expect(bench.wire.last("server/discover").headers).toEqual({ "mcp-protocol-version": "2026-07-28", "mcp-method": "server/discover" });
  });

  // Checklist: S2
  test("an unsupported version is renegotiated from an error without id too", async () => {
    const replies: Said[] = [{ status: 400, text: '{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}}' }, { result: discovered() }];
    const bench = benchOf("http", () => replies.shift() as Said);
    expect(await verdictOf(bench.south)).toMatchObject({ era: "modern" });
  });

  test.each([
    ["401", { status: 401 }, "BACKEND_REFUSED"],
    ["403 with an error body", { error: unknownMethod, status: 403 }, "BACKEND_REFUSED"],
    ["503", { status: 503 }, "BACKEND_DOWN"],
    ["500 with an error body", { error: unknownMethod, status: 500 }, "BACKEND_DOWN"],
    ["429", { status: 429 }, "BACKEND_DOWN"],
    ["408", { status: 408 }, "BACKEND_DOWN"],
    ["a time-out", { fault: "BACKEND_TIMEOUT" }, "BACKEND_TIMEOUT"],
    ["a connection that fails", { fault: "BACKEND_DOWN" }, "BACKEND_DOWN"],
    ["a stream that breaks", { fault: "BACKEND_GONE" }, "BACKEND_GONE"],
    ["400 with a header mismatch", { error: '{"code":-32020,"message":"no"}', status: 400 }, "BACKEND_REFUSED"],
    ["400 with a missing capability", { error: '{"code":-32021,"message":"no"}', status: 400 }, "BACKEND_REFUSED"],
    ["400 with an unsupported version and no list", { error: '{"code":-32022,"message":"no"}', status: 400 }, "BACKEND_REFUSED"],
  ] as [string, Said, string][])("%s is no evidence of an older server", async (_, said, code) => {
    expect(await faultCodeOf(probe("http", said).verdict)).toBe(code);
  });
});

describe("when the era is set", () => {
  test("legacy asks nothing", async () => {
    const { bench, verdict } = probe("stdio", "silent", "legacy");
    expect(await verdict).toEqual({ era: "legacy", late: null });
    expect(bench.wire.arrived).toEqual([]);
  });

  test("HTTP+SSE asks nothing, because only older servers have it", async () => {
    const bench = benchOf("sse", () => "silent");
    expect(await verdictOf(bench.south)).toEqual({ era: "legacy", late: null });
  });

  test("modern takes no other answer", async () => {
    expect(await faultCodeOf(probe("stdio", { error: unknownMethod }, "modern").verdict)).toBe("BACKEND_REFUSED");
    expect(await faultCodeOf(probe("http", { status: 404 }, "modern").verdict)).toBe("BACKEND_REFUSED");
    const gone = probe("stdio", { fault: "BACKEND_GONE" }, "modern");
    expect(await faultCodeOf(gone.verdict)).toBe("BACKEND_GONE");
    expect(gone.bench.wire.deeds).toEqual([]);
    expect(await probe("stdio", { result: discovered() }, "modern").verdict).toMatchObject({ era: "modern" });
  });
});
