/** Questions in the middle of a call, through the real program: real clients of both eras before backends of both. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Answers, type AnyClient, connectSse, connectV1, connectV2 } from "../fixtures/clients.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { type Endpoint, type Sent, sendModern } from "../fixtures/rpc.ts";

/** Parsed JSON, of the shape that a test expects. */
type Json = ReturnType<typeof JSON.parse>;

let program: Program;
const backend = (era: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), era] });

beforeAll(async () => {
  program = await startProgram({ config: { mcpServers: { modern: backend("modern"), legacy: backend("legacy") } } });
});
afterAll(() => program[Symbol.asyncDispose]());

const endpoint = (): Endpoint => ({ url: `${program.origin}/mcp`, token: program.token });

const clients: Record<string, (answers: Answers) => Promise<AnyClient>> = {
  "2025-11-25 (v1)": (answers) => connectV1(`${program.origin}/mcp`, program.token, answers),
  "2025-11-25 (v2)": (answers) => connectV2(`${program.origin}/mcp`, program.token, "legacy", answers),
  "HTTP+SSE": (answers) => connectSse(`${program.origin}/sse`, program.token, answers),
  "2026-07-28": (answers) => connectV2(`${program.origin}/mcp`, program.token, "modern", answers),
};

/** Answers everything, and notes what a person would have read. */
function willing(read: Json[] = []): Answers {
  return {
    elicitation: (params) => {
      read.push(params);
      return params.mode === "url" ? { action: "accept" } : { action: "accept", content: { name: "Ada", size: "s", next: true } };
    },
    sampling: (params) => {
      read.push(params);
      return { role: "assistant", model: "m", content: { type: "text", text: "it" } };
    },
    roots: () => ({ roots: [{ uri: "file:///work" }] }),
  };
}

const answered = async (client: AnyClient, name: string): Promise<Json> => {
  const { content, isError } = await client.callTool({ name, arguments: {} });
  return isError === true ? `error ${content[0]?.text}` : JSON.parse(content[0]?.text ?? "");
};

/** How often the backend's tool was called: once for one that waits, once a round for one that is called again. */
const countOf = async (server: string, tool: string): Promise<number> => {
  const sent = await call(server, "counts");
  return JSON.parse(resultOf(sent).content[0].text)[tool] ?? 0;
};

const all = '"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}';
const call = (server: string, tool: string, more = "", capabilities = ""): Promise<Sent> =>
  sendModern(endpoint(), { method: "tools/call", name: `${server}__${tool}`, params: `"name":"${server}__${tool}","arguments":{"tag":"${tool}"}${more}`, capabilities });
/** Tells the legacy backend what to do with its call of that tag. */
const control = (tool: string, tag: string): Promise<Sent> => sendModern(endpoint(), { method: "tools/call", name: `legacy__${tool}`, params: `"name":"legacy__${tool}","arguments":{"tag":"${tag}"}` });
const messageOf = (sent: Sent): Json => JSON.parse(sent.messages.at(-1) ?? "null");
const resultOf = (sent: Sent): Json => messageOf(sent).result;

for (const [label, connect] of Object.entries(clients)) {
  for (const server of ["legacy", "modern"]) {
    describe(`a ${label} client before a ${server} backend`, () => {
      // Checklist: B1, B18
      test("answers each kind of question, and hears who asks", async () => {
        const read: Json[] = [];
        await using client = await connect(willing(read));
        expect(await answered(client, `${server}__ask_form`)).toEqual({ form: { action: "accept", content: { name: "Ada", size: "s", next: true } } });
        expect(read[0]).toMatchObject({ message: `[${server}] Who are you?`, requestedSchema: { required: ["name"] } });
        expect(await answered(client, `${server}__ask_url`)).toEqual({ url: { action: "accept" } });
        expect(read[1]).toMatchObject({ mode: "url", url: "https://example.test/sign-in?x=1", message: `[${server}] Please sign in` });
        expect(await answered(client, `${server}__ask_sampling`)).toMatchObject({ sampling: { model: "m", content: { text: "it" } } });
        expect(read[2].includeContext).toBe("none");
        expect(await answered(client, `${server}__ask_roots`)).toMatchObject({ roots: { roots: [{ uri: "file:///work" }] } });
      });

      test("answers two questions in turn, and two at once", async () => {
        await using client = await connect(willing());
        expect(Object.keys(await answered(client, `${server}__ask_two`))).toEqual(["first", "second"]);
        expect(Object.keys(await answered(client, `${server}__ask_parallel`)).sort()).toEqual(["form", "sampling"]);
      });

      // Checklist: B13
      test("is asked for a prompt and a resource as for a tool", async () => {
        await using client = await connect(willing());
        expect(JSON.stringify(await client.getPrompt({ name: `${server}__ask_prompt` }))).toContain("Ada");
        await using alone = await connect(willing());
        expect(JSON.stringify(await alone.readResource({ uri: "raw://ask" }))).toContain("Ada");
      });

      // Checklist: B6
      test("declines and cancels, and the backend hears which", async () => {
        for (const action of ["decline", "cancel"] as const) {
          await using client = await connect({ elicitation: () => ({ action }) });
          expect(await answered(client, `${server}__ask_form`)).toEqual({ form: { action } });
        }
      });
    });
  }
}

describe("a client that cannot be asked", () => {
  test("of either era has its call, and the legacy backend hears why not", async () => {
    for (const connect of Object.values(clients)) {
      await using client = await connect({});
      expect(await answered(client, "legacy__ask_form")).toMatchObject({ form: { error: { code: -32601 } } });
      expect(await answered(client, "legacy__ask_roots")).toMatchObject({ roots: { error: { code: -32601 } } });
    }
  });
});

describe("the 2026 client's state before a legacy backend", () => {
  const form = '"elicitation":{}';
  const retry = (state: string, responses: string, tool = "ask_form", capabilities = form) => call("legacy", tool, `,"requestState":${JSON.stringify(state)},"inputResponses":${responses}`, capabilities);

  test("carries one call at the backend through two rounds, and is good for one use", async () => {
    const before = await countOf("legacy", "ask_two");
    const first = resultOf(await call("legacy", "ask_two", "", form));
    const second = resultOf(await retry(first.requestState, '{"q1":{"action":"accept","content":{"name":"x"}},"other":5}', "ask_two"));
    expect([first.resultType, second.resultType, Object.keys(second.inputRequests)]).toEqual(["input_required", "input_required", ["q2"]]);
    expect(second.requestState).not.toBe(first.requestState);
    expect(messageOf(await retry(first.requestState, '{"q1":{"action":"decline"}}', "ask_two")).error.code).toBe(-32602);
    const last = resultOf(await retry(second.requestState, '{"q2":{"action":"decline"}}', "ask_two"));
    expect(JSON.parse(last.content[0].text)).toEqual({ first: { action: "accept", content: { name: "x" } }, second: { action: "decline" } });
    expect(await countOf("legacy", "ask_two")).toBe(before + 1);
  });

  test("asks again for what is missing", async () => {
    const first = resultOf(await call("legacy", "ask_form", "", form));
    const second = resultOf(await retry(first.requestState, "{}"));
    expect(second).toMatchObject({ resultType: "input_required", inputRequests: { q1: { method: "elicitation/create" } } });
    expect(resultOf(await retry(second.requestState, '{"q1":{"action":"cancel"}}')).resultType).toBe("complete");
  });

  test("gets what the backend came to meanwhile, or goes on without what it took back", async () => {
    const finished = resultOf(await call("legacy", "ask_form", "", form));
    await control("release", "ask_form");
    expect(resultOf(await retry(finished.requestState, '{"q1":{"action":"accept"}}')).content[0].text).toBe("ask_form");
    const withdrawn = resultOf(await call("legacy", "ask_form", "", form));
    await control("withdraw", "ask_form");
    expect(resultOf(await retry(withdrawn.requestState, '{"q1":{"action":"accept"}}')).content[0].text).toBe('{"form":"withdrawn"}');
  });

  test("leads to an error when the backend has died, and nothing runs twice", async () => {
    await using lone = await startProgram({ config: { mcpServers: { legacy: backend("legacy") } } });
    const there: Endpoint = { url: `${lone.origin}/mcp`, token: lone.token };
    const send = (tool: string, more = ""): Promise<Sent> => sendModern(there, { method: "tools/call", name: `legacy__${tool}`, params: `"name":"legacy__${tool}","arguments":{}${more}`, capabilities: form });
    const first = resultOf(await send("ask_form"));
    expect(messageOf(await send("crash")).error.data.code).toBe("BACKEND_GONE");
    const lost = messageOf(await send("ask_form", `,"requestState":${JSON.stringify(first.requestState)},"inputResponses":{"q1":{"action":"accept"}}`));
    expect(lost.error).toMatchObject({ code: -32603, data: { code: "BACKEND_GONE" } });
    // The new process has counted nothing; until it is there, calls fail.
    let counts = resultOf(await send("counts"));
    while (counts === undefined) counts = resultOf(await send("counts"));
    expect(JSON.parse(counts.content[0].text)).toEqual({});
  });

  // Checklist: B17
  test("sends somebody to a page before the call, and makes it anew when that was accepted and is over", async () => {
    const visit = resultOf(await call("legacy", "ask_url_error", "", all));
    expect(visit.inputRequests.visit1).toEqual({ method: "elicitation/create", params: { mode: "url", url: "https://example.test/consent", message: "[legacy] Give consent" } });
    const before = await countOf("legacy", "ask_url_error");
    expect(resultOf(await retry(visit.requestState, '{"visit1":{"action":"decline"}}', "ask_url_error", all)).isError).toBe(true);
    expect(await countOf("legacy", "ask_url_error")).toBe(before);
    const again = retry(visit.requestState, '{"visit1":{"action":"accept"}}', "ask_url_error", all);
    expect(await countOf("legacy", "ask_url_error")).toBe(before);
    await control("release", "ask_url_error");
    expect(resultOf(await again).content[0].text).toBe("consented");
  });

  test("of a call that nobody comes back to does not take another call's question", async () => {
    await call("legacy", "ask_form", "", all);
    const other = resultOf(await call("legacy", "ask_sampling", "", all));
    expect(Object.values(other.inputRequests)).toMatchObject([{ method: "sampling/createMessage" }]);
    const answer = '{"q1":{"role":"assistant","model":"m","content":{"type":"text","text":"t"}}}';
    expect(resultOf(await retry(other.requestState, answer, "ask_sampling", all)).resultType).toBe("complete");
  });

  test("is relayed as the backend's own before a modern one", async () => {
    const first = resultOf(await call("modern", "ask_pace"));
    const second = resultOf(await call("modern", "ask_pace", `,"requestState":${JSON.stringify(first.requestState)}`));
    expect(resultOf(await call("modern", "ask_pace", `,"requestState":${JSON.stringify(second.requestState)}`)).content[0].text).toBe("paced");
  });
});

describe("a 2025 client before a modern backend", () => {
  // Checklist: B18, B20
  test("is not asked for ever, and waits where only time is wanted", async () => {
    await using client = await connectV1(`${program.origin}/mcp`, program.token, willing());
    const endless = await client.callTool({ name: "modern__ask_endless", arguments: {} });
    expect([endless.isError, endless.content[0]?.text]).toEqual([true, expect.stringContaining("modern")]);
    expect((await client.callTool({ name: "modern__ask_pace", arguments: {} })).content[0]?.text).toBe("paced");
  });
});

test("on the endpoint of one server nobody puts a name in front of its question", async () => {
  const read: Json[] = [];
  await using client = await connectV2(`${program.origin}/mcp/legacy`, program.token, "modern", willing(read));
  await answered(client, "ask_form");
  expect(read[0].message).toBe("Who are you?");
});
