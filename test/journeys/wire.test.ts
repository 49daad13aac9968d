/**
 * The real program between a client and a backend that are both written by hand, in all cells of two client eras and two
 * backend eras over stdio and HTTP: what exactly is on the wire.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultLimits } from "../../src/base/index.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { envelope, openSession, type Sent, sendModern } from "../fixtures/rpc.ts";
import { runWireHttp } from "./wireBackend.ts";

type Json = ReturnType<typeof JSON.parse>;
type Started = { readonly program: Program; readonly modernHttp: ReturnType<typeof runWireHttp>; readonly legacyHttp: ReturnType<typeof runWireHttp> };

let started: Started | null = null;
const world = (): Started => started as Started;
const at = (server: string) => ({ url: `${world().program.origin}/mcp/${server}`, token: world().program.token });

beforeAll(async () => {
  const [modernHttp, legacyHttp] = [runWireHttp(true), runWireHttp(false)];
  const child = (era: string) => ({ command: process.execPath, args: [join(projectDir, "test/journeys/wireBackend.ts"), era] });
  const program = await startProgram({ config: { mcpServers: { pipeModern: child("modern"), pipeLegacy: child("legacy"), httpModern: { url: modernHttp.url }, httpLegacy: { url: legacyHttp.url } } } });
  started = { program, modernHttp, legacyHttp };
});

afterAll(async () => {
  const { program, modernHttp, legacyHttp } = world();
  await program[Symbol.asyncDispose]();
  await Promise.all([modernHttp.close(), legacyHttp.close()]);
});

const servers = ["pipeModern", "pipeLegacy", "httpModern", "httpLegacy"];
const revisions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const script = (lines: readonly string[]): string => `"name":"script","arguments":{"lines":${JSON.stringify(lines)}}`;
const answer = (result: string): string => `{"jsonrpc":"2.0","id":%ID%,"result":${result}}`;
const progress = (value: number): string => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%TOKEN%,"progress":${value}}}`;
const modernCall = (server: string, lines: readonly string[], meta = ""): Promise<Sent> => sendModern(at(server), { id: '"q"', method: "tools/call", name: "script", params: script(lines), meta });
const legacyCall = (lines: readonly string[], id: string, token: string | null = null): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{${token === null ? "" : `"_meta":{"progressToken":${token}},`}${script(lines)}}}`;
const parsed = (sent: Sent): Json[] => sent.messages.map((text) => JSON.parse(text));

describe("progress and ids", () => {
  test("keep the client's own JSON text in every cell, rising, and end with the answer", async () => {
    for (const server of servers) {
      const lines = [progress(1), progress(2), progress(2), progress(1.5), progress(3), answer('{"content":[]}')];
      for (const token of ['"t"', "7", '"\\u0061"', "12345678901234567890"]) {
        const modern = await modernCall(server, lines, `,"progressToken":${token}`);
        expect(modern.messages.slice(0, -1)).toEqual([1, 2, 3].map((value) => `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${value}}}`));
        expect([modern.messages.at(-1)?.startsWith('{"jsonrpc":"2.0","id":"q","result":'), modern.text.includes("id: ")]).toEqual([true, false]);
      }
      for (const revision of revisions) {
        const session = await openSession(at(server), revision);
        const legacy = await session.send(legacyCall(lines, "12345678901234567890", '"1"'));
        expect([server, revision, ...parsed(legacy).map((message) => message.params?.progress ?? "answer")]).toEqual([server, revision, 1, 2, 3, "answer"]);
        expect(legacy.messages.at(-1)).toBe('{"jsonrpc":"2.0","id":12345678901234567890,"result":{"content":[]}}');
      }
    }
  });
});

describe("results", () => {
  test("of odd shapes become what each era requires, and their text stays", async () => {
    const odd: readonly (readonly [string, object])[] = [
      ["{}", { content: [] }],
      ['{"_meta":5}', { content: [] }],
      ['{"structuredContent":[1,{"n":1.10}]}', { structuredContent: [1, { n: 1.1 }], content: [] }],
      [' { "content" : [ {"type":"text","text":"日本😀"} ] , "x" : 1.10 } ', { content: [{ type: "text", text: "日本😀" }], x: 1.1 }],
    ];
    for (const server of servers) {
      for (const [result, expected] of odd) {
        const sent = await modernCall(server, [answer(result)]);
        expect(parsed(sent)[0].result).toMatchObject({ resultType: "complete", ...expected });
        expect(sent.text.includes("1.10")).toBe(result.includes("1.10"));
      }
    }
  });

  test("of an older server are never taken for a question", async () => {
    const question = answer('{"resultType":"input_required","content":[],"inputRequests":{"k":{"method":"sampling/createMessage","params":{}}},"requestState":"raw"}');
    for (const server of ["pipeLegacy", "httpLegacy"]) expect(parsed(await modernCall(server, [question]))[0].result.resultType).toBe("complete");
    for (const server of ["pipeModern", "httpModern"]) expect([(await modernCall(server, [question])).status, parsed(await modernCall(server, [question]))[0].error.code]).toEqual([400, -32021]);
  });

  test("are put into the words of each older revision", async () => {
    const mixed = '{"content":[{"type":"audio","data":"AA==","mimeType":"audio/wav"},{"type":"resource_link","uri":"a:b","name":"n"}],"structuredContent":{"a":1.10},"resultType":"complete","ttlMs":1,"cacheScope":"public"}';
    const kinds: Record<string, string[]> = { "2024-11-05": ["resource", "text"], "2025-03-26": ["audio", "text"], "2025-06-18": ["audio", "resource_link"], "2025-11-25": ["audio", "resource_link"] };
    for (const server of servers) {
      for (const revision of revisions) {
        const session = await openSession(at(server), revision);
        const { result } = parsed(await session.send(legacyCall([answer(mixed)], "1")))[0];
        expect([server, revision, ...result.content.map(({ type }: Json) => type)]).toEqual([server, revision, ...(kinds[revision] ?? [])]);
        expect(Object.keys(result)).toEqual(revision < "2025-06-18" ? ["content"] : ["content", "structuredContent"]);
        const listed = parsed(await session.send('{"jsonrpc":"2.0","id":2,"method":"tools/list"}'))[0].result;
        expect([Object.keys(listed), listed.tools.filter((tool: Json) => tool.execution !== undefined).length]).toEqual([["tools"], 0]);
        expect(listed.tools.filter((tool: Json) => tool.outputSchema !== undefined).map(({ name }: Json) => name)).toEqual(revision < "2025-06-18" ? [] : ["seen"]);
      }
    }
  });
});

describe("a connection that is lost", () => {
  test("costs a 2025 client nothing: the rest of its stream, and only of this one, is read later", async () => {
    const { program } = world();
    for (const [server, revision] of [["pipeLegacy", "2025-11-25"], ["pipeModern", "2025-06-18"], ["httpLegacy", "2025-03-26"], ["httpModern", "2025-11-25"]] as const) {
      const session = await openSession(at(server), revision);
      const go = join(program.dir, `go-${server}`);
      const one = await streamed(server, session.id, revision, legacyCall([progress(1), `wait:${go}`, progress(2), answer('{"content":[]}')], "1", "1"));
      const place = await one.until(/id: (\S+)\ndata: \{.*"progress":1\}/u);
      const other = await session.send(legacyCall([progress(9), answer('{"content":[]}')], "2", "2"));
      expect(parsed(other).map((message) => message.params?.progress ?? message.id)).toEqual([9, 2]);
      one.cut();
      await writeFile(go, "");
      const resumed = await resume(server, session.id, revision, place);
      expect([resumed.status, ...parsed(resumed).map((message) => message.params?.progress ?? message.id)]).toEqual([200, 2, 1]);
    }
  });

  // Checklist: N30
  test("cancels a 2026 client's call at the backend", async () => {
    const { modernHttp, legacyHttp } = world();
    for (const server of ["pipeModern", "pipeLegacy", "httpLegacy"]) {
      const before = await cancelledAt(server);
      const one = await streamed(server, null, "2026-07-28", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${script([progress(1), "wait:/nowhere/at/all"])},${envelope(',"progressToken":1')}}}`);
      await one.until(/"progress":1/u);
      one.cut();
      await until(async () => (await cancelledAt(server)) > before);
    }
    const gone = modernHttp.gone;
    const one = await streamed("httpModern", null, "2026-07-28", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${script([progress(1), "wait:/nowhere/at/all"])},${envelope(',"progressToken":1')}}}`);
    await one.until(/"progress":1/u);
    one.cut();
    await until(() => Promise.resolve(modernHttp.gone === gone + 1));
    expect([await cancelledAt("httpModern"), legacyHttp.gone > 0]).toEqual([0, true]);
  });
});

describe("mirrored arguments", () => {
  test("are compared as they are meant, whatever the backend speaks", async () => {
    const call = async (server: string, args: string, headers: Record<string, string>) => {
      const sent = await sendModern(at(server), { method: "tools/call", name: "mirrored", params: `"name":"mirrored","arguments":${args}`, headers });
      return sent.status === 200 ? 200 : parsed(sent)[0].error.code;
    };
    for (const server of servers) {
      expect([await call(server, '{"count":42,"sure":true,"region":"é"}', { "Mcp-Param-Count": "42.0", "Mcp-Param-Sure": "true", "Mcp-Param-Region": "=?base64?w6k=?=" }), await call(server, '{"count":null}', {}), await call(server, "{}", { "Mcp-Param-Other": "x" })]).toEqual([200, 200, 200]);
      for (const other of ["43", "0x2a", "=?base64?NDI?="]) expect(await call(server, '{"count":42}', { "Mcp-Param-Count": other })).toBe(-32020);
      expect([await call(server, '{"count":42}', {}), await call(server, "{}", { "Mcp-Param-Count": "42" })]).toEqual([-32020, -32020]);
    }
  });
});

test("a parameter header that nobody knows goes on to an HTTP backend as it is, and only so many of them; a known one is made anew", async () => {
  const { modernHttp } = world();
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`Mcp-Param-X${index}`, "1"]));
  const sent = await sendModern(at("httpModern"), { method: "tools/call", name: "mirrored", params: '"name":"mirrored","arguments":{"count":42}', headers: { "Mcp-Param-Count": "42.0", "Mcp-Param-Other": "as it is", ...many } });
  expect(sent.status).toBe(200);
  const headers = modernHttp.headers.findLast((one) => one.get("mcp-name") === "mirrored");
  expect([headers?.get("mcp-param-other"), headers?.get("mcp-param-count")]).toEqual(["as it is", "42"]);
  expect([...(headers ?? new Headers())].filter(([name]) => name.startsWith("mcp-param-")).length).toBe(defaultLimits.paramHeadersMax + 1);
});

test("a tool's own odd error is that call's alone: the connection that others share goes on", async () => {
  for (const server of ["pipeModern", "httpModern"]) {
    const sent = await modernCall(server, ['{"jsonrpc":"2.0","id":%ID%,"error":{"code":-32022,"message":"x","data":[1]}}']);
    expect(parsed(sent)[0].error).toMatchObject({ code: -32603, data: { code: "BACKEND_GARBLED" } });
    expect((await modernCall(server, [answer('{"content":[]}')])).status).toBe(200);
  }
});

test("a sealed state serves its own request alone", async () => {
  const question = (inner: string): string => answer(`{"resultType":"input_required","requestState":${JSON.stringify(inner)}}`);
  for (const server of ["pipeModern", "httpModern"]) {
    const lines = [question("inner ✓")];
    const state = parsed(await modernCall(server, lines))[0].result.requestState as string;
    const retry = async (to: string, sealed: string, args: readonly string[]) => {
      const params = `${script(args)},"requestState":${JSON.stringify(sealed)}`;
      return parsed(await sendModern(at(to), { method: "tools/call", name: "script", params }))[0];
    };
    expect((await retry(server, state, lines)).result.resultType).toBe("input_required");
    const flipped = state.slice(0, -1) + (state.endsWith("A") ? "Q" : "A");
    const other = server === "pipeModern" ? "httpModern" : "pipeModern";
    for (const refused of [await retry(server, flipped, lines), await retry(server, state, [...lines, "more"]), await retry(other, state, lines), await retry(server, "inner ✓", lines)]) {
      expect(refused.error).toMatchObject({ code: -32602, data: { code: "STATE_INVALID" } });
    }
    const seen = JSON.parse(parsed(await sendModern(at(server), { method: "tools/call", name: "seen", params: '"name":"seen"' }))[0].result.content[0].text) as string[];
    expect(seen.filter((text) => text.includes('"requestState":"inner ✓"'))).toHaveLength(1);
  }
});

/** How many calls the backend was told to stop. */
async function cancelledAt(server: string): Promise<number> {
  const sent = await sendModern(at(server), { method: "tools/call", name: "cancelled", params: '"name":"cancelled"' });
  return (JSON.parse(parsed(sent)[0].result.content[0].text) as unknown[]).length;
}

/** Looks again at every turn of the event loop; a test's own time limit is its end. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => void setImmediate(resolve));
}

const headersOf = (session: string | null, revision: string): Record<string, string> => ({
  Authorization: `Bearer ${world().program.token}`,
  "Content-Type": "application/json",
  Accept: "application/json, text/event-stream",
  "MCP-Protocol-Version": revision,
  ...(session === null ? { "Mcp-Method": "tools/call", "Mcp-Name": "script" } : { "Mcp-Session-Id": session }),
});

/** POSTs and reads as it comes, until cut. */
async function streamed(server: string, session: string | null, revision: string, body: string): Promise<{ until(pattern: RegExp): Promise<string>; cut(): void }> {
  const gone = new AbortController();
  const response = await fetch(at(server).url, { method: "POST", headers: headersOf(session, revision), body, signal: gone.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    async until(pattern) {
      for (;;) {
        const found = pattern.exec(text);
        if (found !== null) return found[1] ?? found[0];
        const { value, done } = await reader.read();
        if (done) throw new Error(`ended: ${text}`);
        text += decoder.decode(value, { stream: true });
      }
    },
    cut: () => gone.abort(),
  };
}

/** Takes a stream up again and reads it to its end. */
async function resume(server: string, session: string, revision: string, place: string): Promise<Sent> {
  const response = await fetch(at(server).url, { headers: { ...headersOf(session, revision), "Last-Event-ID": place } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, messages: [...text.matchAll(/^data: (.+)$/gmu)].map((found) => found[1] ?? "") };
}
