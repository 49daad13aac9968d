/**
 * Where the catalog is searched, a client has two tools, and through them everything that it would have without them:
 * every client of the matrix, both eras on both sides, over real sockets and pipes.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Called } from "../fixtures/clients.ts";
import { runMatrixModern } from "../fixtures/matrixServers.ts";
import { type Party, partyKinds } from "../fixtures/parties.ts";
import { type Program, projectDir, runProgram, startProgram } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const matrixPath = join(projectDir, "test", "fixtures", "matrixServers.ts");
const child = (...args: string[]): object => ({ command: process.execPath, args });

let program: Program;
let modern: ReturnType<typeof runMatrixModern>;
const servers = (): Record<string, object> => ({ older: { ...child(matrixPath, "v1"), tags: ["old"] }, newer: child(matrixPath, "v2"), modern: { type: "http", url: modern.url }, raw: child(join(projectDir, "test", "fixtures", "rawTasks.ts")) });
const configWith = (more: object): object => ({ catalog: "search", limits: { lingerOwnMsMax: 1 }, mcpServers: servers(), ...more });

beforeAll(async () => {
  modern = runMatrixModern();
  program = await startProgram({ config: configWith({}) });
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await modern.close();
});

type Options = Parameters<Party["session"]["callTool"]>[1];
const textIn = ({ content }: Called): string => String(content[0]?.text);
const inner = ({ session }: Party, name: string, args?: object, options?: Options, more: object = {}) => session.callTool({ name: "1mcp__call", arguments: { name, ...(args === undefined ? {} : { arguments: args }) }, ...more }, options);
const found = async ({ session }: Party, query: string): Promise<string[]> => textIn(await session.callTool({ name: "1mcp__search", arguments: { query, limit: 20 } })).split("\n").flatMap((line) => (line.startsWith("{") ? [(JSON.parse(line) as { name: string }).name] : []));
const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown }).code;

const pages = { ask_url: ["elicitation/create", "accept"] } as const;
const questions = { ask_model: ["sampling/createMessage", "said"], ask_form: ["elicitation/create", "Ada"], ask_roots: ["roots/list", "file:///party"] } as const;

for (const kind of partyKinds) {
  describe(kind.label, () => {
    let party: Party | undefined;
    afterAll(async () => party?.[Symbol.asyncDispose]());
    const connected = async (): Promise<Party> => (party ??= await kind.connect(program, ""));

    test("is shown the pair and nothing else, and finds what there is", async () => {
      const client = await connected();
      expect((await client.session.listTools()).tools.map(({ name }) => name)).toEqual(["1mcp__call", "1mcp__search"]);
      const names = await found(client, "ask for roots");
      for (const server of ["older", "newer", "modern"]) expect(names).toContain(`${server}__ask_roots`);
      const [match] = textIn(await client.session.callTool({ name: "1mcp__search", arguments: { query: "older__say" } })).split("\n");
      expect(JSON.parse(match ?? "")).toMatchObject({ name: "older__say", description: "Says it", inputSchema: { type: "object", required: ["text"] } });
    });

    for (const server of ["older", "newer", "modern"]) {
      test(`calls tools of ${server}: content, structured output and unknown members come as they are`, async () => {
        const client = await connected();
        const said = await inner(client, `${server}__say`, { text: "hello" });
        expect([textIn(said), said._meta]).toMatchObject(["hello", { "test/kept": 1 }]);
        expect((await inner(client, `${server}__structured`)).structuredContent).toEqual({ n: 1.5, list: ["a"] });
        const { content } = await inner(client, `${server}__picture`);
        expect(content[0]).toMatchObject({ type: "image", mimeType: "image/png", annotations: { priority: 0.5 } });
      });

      test(`is asked what ${server} asks in the middle of a call`, async () => {
        const client = await connected();
        for (const [tool, [method, answer]] of Object.entries({ ...questions, ...(kind.current ? pages : {}) })) {
          const before = client.heard.asked.length;
          expect(textIn(await inner(client, `${server}__${tool}`))).toContain(answer);
          expect(client.heard.asked.slice(before).map((one) => one.method)).toEqual([method]);
        }
      });

      test(`hears of the progress and the log lines of ${server}`, async () => {
        const client = await connected();
        const from = client.heard.told.length;
        expect(textIn(await inner(client, `${server}__steps`, {}, { onprogress: () => undefined }))).toBe("stepped");
        expect(client.heard.told.slice(from).filter(({ method }) => method === "notifications/progress").map(({ params }) => params["progress"])).toEqual([1, 2]);
        if (client.era === "legacy") await client.session.setLoggingLevel("info");
        const next = client.heard.next("notifications/message");
        await inner(client, `${server}__log`, {}, undefined, client.era === "modern" ? { _meta: { "io.modelcontextprotocol/logLevel": "info" } } : {});
        expect((await next)["data"]).toBe("noted");
      });

      test(`cancels a call of ${server}`, async () => {
        const client = await connected();
        const stops = async (): Promise<number> => Number(textIn(await inner(client, `${server}__stops`)));
        const before = await stops();
        const gone = new AbortController();
        const held = inner(client, `${server}__hold`, {}, { signal: gone.signal }).then(() => "no failure", () => "failed");
        await stops();
        gone.abort();
        expect(await held).toBe("failed");
        while ((await stops()) === before);
      });
    }

    test("gets a failure as the tool's, and a name that there is not as with any call", async () => {
      const client = await connected();
      const failure = await inner(client, "older__fail");
      expect([failure.isError, textIn(failure)]).toEqual([true, "on purpose"]);
      expect(await inner(client, "older__nothing").then(({ isError, content }) => (isError === true ? content[0]?.text : "no failure"), codeOf)).toBe(-32602);
      const slip = await client.session.callTool({ name: "1mcp__call", arguments: { arguments: {} } });
      expect([slip.isError, textIn(slip)]).toEqual([true, "“name” must be the name of a tool, as 1mcp__search gives it"]);
    });

    test("has a tool done that only runs as a task", async () => {
      expect(textIn(await inner(await connected(), "older__research", {}))).toBe("researched");
    });

    test("is shown one server whole where that alone is chosen", async () => {
      await using alone = await kind.connect(program, "/older");
      const names = (await alone.session.listTools()).tools.map(({ name }) => name);
      expect(names).toContain("say");
      expect(names).not.toContain("1mcp__search");
    });
  });
}

const listed = async (endpoint: { url: string; token: string | null }): Promise<string> => (await sendModern(endpoint, { method: "tools/list" })).messages.at(-1) ?? "";
const toolsOf = (message: string): string => JSON.stringify((JSON.parse(message) as { result: { tools: object[] } }).result.tools);
const searchWith = async (endpoint: { url: string; token: string | null }, query: string): Promise<string> =>
  (await sendModern(endpoint, { method: "tools/call", name: "1mcp__search", params: `"name":"1mcp__search","arguments":{"query":${JSON.stringify(query)},"limit":20}` })).messages.at(-1) ?? "";
const callWith = async (endpoint: { url: string; token: string | null }, name: string): Promise<string> =>
  (await sendModern(endpoint, { method: "tools/call", name: "1mcp__call", params: `"name":"1mcp__call","arguments":{"name":"${name}","arguments":{"text":"hi"}}` })).messages.at(-1) ?? "";

describe("a task of a modern server", () => {
  test("that a call through the pair has made is looked at and completed under its id", async () => {
    const endpoint = { url: `${program.origin}/mcp`, token: program.token };
    const capabilities = '"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{}}';
    const ask = async (method: string, name: string, params: string) => (JSON.parse((await sendModern(endpoint, { method, name, params, capabilities })).messages.at(-1) ?? "") as { result: { taskId: string; status: string; result?: { weight: number } } }).result;
    const { taskId, status } = await ask("tools/call", "1mcp__call", '"name":"1mcp__call","arguments":{"name":"raw__slow"}');
    expect(status).toBe("working");
    const look = () => ask("tasks/get", taskId, `"taskId":${JSON.stringify(taskId)}`);
    expect([(await look()).status, (await look()).status]).toEqual(["working", "input_required"]);
    await ask("tasks/update", taskId, `"taskId":${JSON.stringify(taskId)},"inputResponses":{"q1":{"action":"accept","content":{"name":"Ada"}}}`);
    expect(await look()).toMatchObject({ status: "completed", result: { weight: 1.1 } });
  });
});

describe("who may not see everything", () => {
  test("finds and calls just what a direct call would give him", async () => {
    const { stdout } = await runProgram(["token", "create", "--name", "newer", "--scope", "server:newer", "--json", "--state-dir", `${program.dir}/state`], { env: { HOME: program.dir } });
    const { token } = JSON.parse(stdout) as { token: string };
    const endpoint = { url: `${program.origin}/mcp`, token };
    expect(await searchWith(endpoint, "say")).toContain("newer__say");
    for (const query of ["say", "older", "older__say", "modern ask"]) expect(await searchWith(endpoint, query)).not.toMatch(/older__|modern__/u);
    expect(await callWith(endpoint, "newer__say")).toContain('"text":"hi"');
    const direct = (await sendModern(endpoint, { method: "tools/call", name: "older__say", params: '"name":"older__say","arguments":{"text":"hi"}' })).messages.at(-1) ?? "";
    const through = await callWith(endpoint, "older__say");
    expect([direct.includes('"requiredScopes":["server:older"]'), through.includes('"requiredScopes":["server:older"]')]).toEqual([true, true]);
    expect(toolsOf(await listed(endpoint))).toBe(toolsOf(await listed({ url: endpoint.url, token: program.token })));
  });
});

describe("while it runs", () => {
  test("the definitions stay byte for byte what they are, whatever servers come and go; a change of the catalog is announced", async () => {
    const party = await partyKinds[3]?.connect(program, "");
    if (party === undefined) throw new Error("no such client");
    await using client = party;
    const endpoint = { url: `${program.origin}/mcp`, token: program.token };
    const before = toolsOf(await listed(endpoint));
    await program.writeConfig(configWith({ mcpServers: { newer: servers()["newer"] } }));
    while ((await found(client, "older__say")).includes("older__say"));
    expect(toolsOf(await listed(endpoint))).toBe(before);
    expect(await callWith(endpoint, "older__say")).toContain('"code":-32602');
    const listening = await client.session.listen({ toolsListChanged: true });
    const next = client.heard.next("notifications/tools/list_changed");
    await program.writeConfig(configWith({ catalog: "full", mcpServers: { newer: servers()["newer"] } }));
    await next;
    expect(toolsOf(await listed(endpoint))).not.toContain("1mcp__search");
    const renamed = client.heard.next("notifications/tools/list_changed");
    await program.writeConfig(configWith({ catalog: "full", mcpServers: { newer: { ...servers()["newer"], tools: { allow: ["say", "structured", "sya"], rename: { say: "speak" }, descriptions: { structured: "Facts." } } } } }));
    await renamed;
    const { tools } = await client.session.listTools();
    expect(tools.filter(({ name }) => name.startsWith("newer__"))).toMatchObject([{ name: "newer__speak" }, { name: "newer__structured", description: "Facts." }]);
    expect(textIn(await client.session.callTool({ name: "newer__speak", arguments: { text: "hi" } }))).toBe("hi");
    const { stdout } = await runProgram(["status", "--state-dir", `${program.dir}/state`], { env: { HOME: program.dir } });
    expect(stdout).toContain('newer, tools, "sya": tools.allow names it, and the server has no such tool; did you mean "say"?');
    await listening.close();
  });
});
