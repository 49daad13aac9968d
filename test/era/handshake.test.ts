import { describe, expect, test } from "bun:test";
import { openIfTaken, openSession, selfOf } from "../../src/era/handshake.ts";
import { emptyObject } from "../../src/protocol/index.ts";
import { benchOf, faultCodeOf, initialized, type Said, textOf, unknownMethod } from "../fixtures/wire.ts";

const open = (said: Said, transport: "stdio" | "http" = "http") => {
  const bench = benchOf(transport, () => said);
  return { bench, opened: openSession(bench.south) };
};

describe("a handshake", () => {
  test("asks for the newest older revision and declares nothing that cannot be kept", async () => {
    const { bench, opened } = open({ result: initialized() });
    await opened;
    expect(textOf(bench.wire.last("initialize").params)).toBe('{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"1mcp","version":"9.9.9"}}');
    expect(bench.wire.last("initialize").headers).toEqual({});
  });

  test("declares what those who share the connection can do, in the older era's words", async () => {
    const { south, wire } = benchOf("stdio", () => ({ result: initialized() }), { capabilities: '{"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true},"tasks":{},"extensions":{"dev.example/x":{}}}' });
    await openSession(south);
    const { capabilities } = JSON.parse(textOf(wire.last("initialize").params)) as { capabilities: unknown };
    expect(capabilities).toEqual({ elicitation: { form: {}, url: {} }, roots: {}, extensions: { "dev.example/x": {} } });
  });

  test("goes by the name of the one client whose alone the connection is", async () => {
    const client = '{"name":"editor","version":"2.10"}';
    const { south, wire } = benchOf("stdio", () => ({ result: initialized() }), { client });
    await openSession(south);
    expect(textOf(wire.last("initialize").params)).toEndWith(`"clientInfo":${client}}`);
  });

  test.each([
    ["a server of the newer era alone", { error: '{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}', status: 400 }, null],
    ["a server that knows no such request", { error: unknownMethod, status: 404 }, null],
    ["a server that has no room", { error: '{"code":-32603,"message":"full"}', status: 429 }, "BACKEND_REFUSED"],
    ["a server that refuses the credentials", { status: 401 }, "BACKEND_REFUSED"],
    ["a server that takes it", { result: initialized() }, "2025-11-25"],
  ] as [string, Said, string | null][])("is opened where it is taken: %s", async (_, said, expected) => {
    const { south } = benchOf("http", () => said);
    expect(await openIfTaken(south).then((opened) => opened?.revision ?? null, ({ code }: { code: string }) => code)).toBe(expected);
  });

  test.each(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])("takes %s", async (version) => {
    const { bench, opened } = open({ result: initialized("{}", version) });
    expect(await opened).toMatchObject({ revision: version, session: null, info: '{"name":"old","version":"1"}' });
    expect(bench.wire.sent).toEqual([{ text: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers: { "mcp-protocol-version": version } }]);
  });

  test.each([
    ["an unknown revision", { result: initialized("{}", "1999-01-01") }, "BACKEND_REFUSED"],
    ["a revision that has no handshake", { result: initialized("{}", "2026-07-28") }, "BACKEND_REFUSED"],
    ["no revision", { result: "{}" }, "BACKEND_REFUSED"],
    ["an error", { error: '{"code":-32602,"message":"no"}' }, "BACKEND_REFUSED"],
    ["401", { status: 401 }, "BACKEND_REFUSED"],
    ["a session id that is no header", { result: initialized(), headers: { "mcp-session-id": "a b" } }, "BACKEND_GARBLED"],
  ] as [string, Said, string][])("does not take %s", async (_, said, code) => {
    const { bench, opened } = open(said);
    expect(await faultCodeOf(opened)).toBe(code);
    expect(bench.wire.sent).toEqual([]);
  });

  test("keeps the session id for all that follows, its first notification included", async () => {
    const { bench, opened } = open({ result: initialized(), headers: { "mcp-session-id": "!~1" } });
    expect((await opened).headers).toEqual({ "mcp-protocol-version": "2025-11-25", "mcp-session-id": "!~1" });
    expect(bench.wire.sent[0]?.headers["mcp-session-id"]).toBe("!~1");
  });

  test("takes the error of a server without HTTP+SSE as it is", async () => {
    const { bench, opened } = open({ error: '{"code":-32600,"message":"bad"}', status: 400 });
    expect(await faultCodeOf(opened)).toBe("BACKEND_REFUSED");
    expect(bench.wire.deeds).toEqual(["openSse"]);
  });
});

test("a server without identity goes by its configured name", () => {
  const { south } = benchOf("stdio", () => "silent");
  expect(selfOf(south, emptyObject, null)).toEqual({ info: '{"name":"box","version":"unknown"}', capabilities: new Map(), instructions: null });
});
