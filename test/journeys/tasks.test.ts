/** Tasks and extensions through the real program: a hand-written modern backend, and the published package for the older ones. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { dataOf, type Endpoint, openSession, type Sent, sendModern } from "../fixtures/rpc.ts";
import { createV1Tasks } from "../fixtures/v1Tasks.ts";
import { runV1Http } from "../fixtures/v1Server.ts";

type Json = ReturnType<typeof JSON.parse>;

let program: Program;
let remote: ReturnType<typeof runV1Http>;
const fixture = (name: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", name)] });

beforeAll(async () => {
  remote = runV1Http(createV1Tasks);
  program = await startProgram({ config: { mcpServers: { raw: fixture("rawTasks.ts"), other: { ...fixture("rawTasks.ts"), env: { EXTENSION: "com.example/twice" } }, more: { ...fixture("rawTasks.ts"), env: { EXTENSION: "com.example/twice" } }, old: fixture("v1Tasks.ts"), remote: { type: "http", url: remote.url } } } });
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await remote.close();
});

const at = (server = ""): Endpoint => ({ url: `${program.origin}/mcp${server}`, token: program.token });
const declared = '"elicitation":{},"extensions":{"io.modelcontextprotocol/tasks":{},"com.example/odd":{},"com.example/foreign":{}}';
const lastOf = (sent: Sent): Json => JSON.parse(sent.messages.at(-1) ?? "null");

/** A modern request; `target` goes into the header that mirrors it. */
async function ask(method: string, params: Record<string, unknown>, options: { server?: string; capabilities?: string } = {}): Promise<Json> {
  const target = params["name"] ?? params["uri"] ?? params["taskId"];
  const sent = await sendModern(at(options.server), { method, params: JSON.stringify(params).slice(1, -1), capabilities: options.capabilities ?? declared, ...(typeof target === "string" ? { name: target } : {}) });
  return lastOf(sent);
}

const newTask = async (server = "", name = "raw__slow"): Promise<string> => (await ask("tools/call", { name }, { server })).result.taskId;

describe("a task of a modern backend", () => {
  test("is made, looked at, given what it wants and completed, under an id of ours alone", async () => {
    const made = (await ask("tools/call", { name: "raw__slow" })).result;
    expect(made).toMatchObject({ resultType: "task", status: "working", ttlMs: 60_000, pollIntervalMs: 10 });
    const { taskId } = made;
    expect(taskId).not.toContain("task-");
    expect((await ask("tasks/get", { taskId })).result).toMatchObject({ resultType: "complete", taskId, status: "working" });
    const wanting = (await ask("tasks/get", { taskId })).result;
    expect(wanting).toMatchObject({ status: "input_required", inputRequests: { q1: { params: { message: "[raw] Name?" } } } });
    expect((await ask("tasks/update", { taskId, inputResponses: { q1: { action: "accept", content: { name: "Ada" } } } })).result.resultType).toBe("complete");
    const completed = (await ask("tasks/get", { taskId })).result;
    expect(completed).toMatchObject({ taskId, status: "completed", result: { weight: 1.1 } });
    expect(JSON.parse(completed.result.content[0].text)).toEqual({ q1: { action: "accept", content: { name: "Ada" } } });
  });

  test("is known on one server and on all, by one id", async () => {
    const taskId = await newTask("/raw", "slow");
    expect((await ask("tasks/get", { taskId })).result.taskId).toBe(taskId);
    expect((await ask("tasks/get", { taskId }, { server: "/old" })).error.code).toBe(-32602);
  });

  test("is cancelled there", async () => {
    const taskId = await newTask();
    expect((await ask("tasks/cancel", { taskId })).result.resultType).toBe("complete");
    expect((await ask("tasks/get", { taskId })).result.status).toBe("cancelled");
  });

  test("is nothing to who guesses the backend's own id, and nothing without the extension", async () => {
    const taskId = await newTask();
    expect((await ask("tasks/get", { taskId: "task-1" })).error.code).toBe(-32602);
    const refused = await ask("tasks/get", { taskId }, { capabilities: "" });
    expect(refused.error).toMatchObject({ code: -32021, data: { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } } });
  });

  test("cannot be had by clients that do not know tasks, and they are told why", async () => {
    const required = { extensions: { "io.modelcontextprotocol/tasks": {} } };
    for (const capabilities of ["", '"extensions":{"io.modelcontextprotocol/ui":{}}']) {
      expect((await ask("tools/call", { name: "raw__slow" }, { capabilities })).error).toMatchObject({ code: -32021, data: { requiredCapabilities: required } });
    }
    const session = await openSession(at());
    const { error } = lastOf(await session.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"raw__slow"}}'));
    expect(error.code).toBe(-32603);
    expect(error.message).toContain("extensions.io.modelcontextprotocol/tasks");
  });
});

/** Opens a listen for tasks; gives its messages one by one. */
async function listenTo(taskIds: readonly string[], server = "", more: object = {}): Promise<{ next(): Promise<Json> } & AsyncDisposable> {
  const gone = new AbortController();
  const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": JSON.parse(`{${declared}}`) };
  const response = await fetch(at(server).url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen", Authorization: `Bearer ${program.token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: "ear", method: "subscriptions/listen", params: { notifications: { taskIds, ...more }, _meta: meta } }),
    signal: gone.signal,
  });
  if (response.body === null) throw new Error(`no stream: ${response.status}`);
  const events = dataOf(response.body);
  return {
    async next() {
      const { value } = await events.next();
      return JSON.parse(value ?? "null");
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
    },
  };
}

describe("who listens to a task", () => {
  test.each([
    ["on all servers", "", "raw__slow", "[raw] Name?"],
    ["on its own", "/raw", "slow", "Name?"],
  ])("hears how it stands and what becomes of it, under its id alone (%s)", async (_where, server, name, asks) => {
    const taskId = await newTask(server, name);
    const other = await newTask(server, name);
    await using ear = await listenTo([taskId], server);
    expect(await ear.next()).toMatchObject({ method: "notifications/subscriptions/acknowledged", params: { notifications: { taskIds: [taskId] }, _meta: { "io.modelcontextprotocol/subscriptionId": "ear" } } });
    const standing = await ear.next();
    expect(standing).toMatchObject({ method: "notifications/tasks", params: { taskId, status: "working", pollIntervalMs: 10, _meta: { "io.modelcontextprotocol/subscriptionId": "ear" } } });
    expect(standing.params).not.toHaveProperty("resultType");
    await ask("tasks/cancel", { taskId: other }, { server });
    expect((await ask("tasks/get", { taskId }, { server })).result).toMatchObject({ status: "input_required", inputRequests: { q1: { params: { message: asks } } } });
    await ask("tasks/update", { taskId, inputResponses: { q1: { action: "accept" } } }, { server });
    const last = await ear.next();
    expect(last.params).toMatchObject({ taskId, status: "completed", result: { weight: 1.1 } });
    expect(JSON.stringify([standing, last])).not.toContain("task-");
  });

  test("hears nothing of one that it was not given, and learns nothing by asking", async () => {
    const taskId = await newTask();
    await using ear = await listenTo(["task-1", `${taskId.slice(0, -2)}AA`]);
    expect((await ear.next()).params.notifications).toEqual({});
    await using elsewhere = await listenTo([taskId], "/old");
    expect((await elsewhere.next()).params.notifications).toEqual({});
    await ask("tasks/cancel", { taskId });
    await using own = await listenTo([taskId]);
    expect((await own.next()).params.notifications).toEqual({ taskIds: [taskId] });
  });

  test("cannot name it as a resource", async () => {
    await newTask();
    await using ear = await listenTo([], "", { resourceSubscriptions: ["\u0000task-1", "\u0000raw/task-1"] });
    expect((await ear.next()).params.notifications).toEqual({});
  });
});

const callers: Readonly<Record<string, (name: string) => Promise<Json>>> = {
  "a modern client": (name) => ask("tools/call", { name }, { capabilities: "" }),
  "a modern client that knows tasks": (name) => ask("tools/call", { name }),
  "a session": async (name) => lastOf(await (await openSession(at())).send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, task: { ttl: 1000 } } }))),
};

for (const server of ["old", "remote"]) {
  describe(`a tool of an older server that insists on a task (${server})`, () => {
    for (const [who, call] of Object.entries(callers)) {
      test(`answers ${who} as any other tool`, async () => {
        const { result } = await call(`${server}__report`);
        expect(result.content).toEqual([{ type: "text", text: "reported" }]);
        expect(JSON.stringify(result)).not.toContain("related-task");
        expect((await call(`${server}__either`)).result.content).toEqual([{ type: "text", text: "either way" }]);
      });
    }

    test("asks a modern client in the middle", async () => {
      const first = (await ask("tools/call", { name: `${server}__survey` })).result;
      expect(first.resultType).toBe("input_required");
      const [[key, question]] = Object.entries(first.inputRequests) as [[string, Json]];
      expect(question.params).toMatchObject({ message: `[${server}] Name?` });
      expect(JSON.stringify(question)).not.toContain("related-task");
      const { result } = await ask("tools/call", { name: `${server}__survey`, inputResponses: { [key]: { action: "accept", content: { name: "Ada" } } }, requestState: first.requestState });
      expect(JSON.parse(result.content[0].text)).toEqual({ action: "accept", content: { name: "Ada" } });
    });

    test("does not show how it runs", async () => {
      for (const path of ["", `/${server}`]) {
        const { tools } = (await ask("tools/list", {}, { server: path })).result;
        expect(JSON.stringify(tools)).toContain("report");
        expect(JSON.stringify(tools)).not.toContain("execution");
      }
      expect((await ask("server/discover", {}, { server: `/${server}` })).result.capabilities).not.toHaveProperty("tasks");
    });

    test("is cancelled when its client goes", async () => {
      const leaving = new AbortController();
      const gone = sendModern(at(), { method: "tools/call", name: `${server}__endless`, params: `"name":"${server}__endless"`, signal: leaving.signal }).catch((thrown: Error) => thrown.name);
      // Without capabilities, as above: those who can do the same share a session with the server.
      const told = async (name: string): Promise<string> => (await ask("tools/call", { name: `${server}__${name}` }, { capabilities: "" })).result.content[0].text;
      expect(await told("begun")).toBe("begun");
      leaving.abort();
      expect(await gone).toBe("AbortError");
      expect(await told("cancelled")).toBe("cancelled");
    });
  });
}

describe("an extension that nobody here knows", () => {
  test("is announced on its own server, in both eras, with its settings byte for byte", async () => {
    const modern = await sendModern(at("/raw"), { method: "server/discover" });
    expect(modern.text).toContain('"com.example/odd":{"rate":1.10}');
    const { opened } = await openSession(at("/raw"));
    expect(opened.text).toContain('"com.example/odd":{"rate":1.10}');
    expect(opened.text).not.toContain("io.modelcontextprotocol/tasks");
    expect((await sendModern(at(), { method: "server/discover" })).text).toContain('"com.example/odd":{"rate":1.10}');
    expect((await sendModern(at(), { method: "server/discover" })).text).not.toContain("com.example/twice");
  });

  test("has its methods served on its own server, in both eras, and on all by the only one that has it, for who declares it", async () => {
    expect(await ask("com.example/echo", { say: { n: 1 } }, { server: "/raw" })).toMatchObject({ result: { resultType: "complete", echo: { n: 1 } } });
    const session = await openSession(at("/raw"));
    const echoed = (await session.send('{"jsonrpc":"2.0","id":1,"method":"com.example/echo","params":{"say":1.10}}')).messages.at(-1);
    expect(echoed).toContain('"echo":1.10');
    const nowhere = await sendModern(at(), { method: "com.example/echo" });
    expect([nowhere.status, lastOf(nowhere).error.code]).toEqual([404, -32601]);
    expect((await ask("com.example/none", {}, { server: "/raw" })).error.code).toBe(-32601);
    expect((await ask("com.example/echo", { say: 1, odd: true })).result).toMatchObject({ resultType: "com.example/odd", echo: 1 });
    const twice = await ask("com.example/echo", { say: 1 }, { capabilities: '"extensions":{"com.example/twice":{}}' });
    expect(twice.error.code).toBe(-32601);
  });

  test("is declared to that server by who is alone with it, and may have results of its own type", async () => {
    expect((await ask("com.example/echo", { say: 1, odd: true }, { server: "/raw" })).result).toMatchObject({ resultType: "com.example/odd", echo: 1 });
    await ask("tools/call", { name: "raw__page", arguments: { mark: "from all" } });
    const { lines } = (await ask("com.example/lines", {}, { server: "/raw" })).result;
    const lineWith = (text: string): string => lines.find((line: string) => line.includes(text));
    expect(lineWith('"odd":true')).toContain('"com.example/odd":{}');
    expect(lineWith('"from all"')).toContain('"com.example/odd":{}');
    expect(lineWith('"from all"')).not.toContain("com.example/foreign");
    expect(lineWith('"from all"')).toContain("io.modelcontextprotocol/tasks");
  });
});

describe("an app", () => {
  test.each([
    ["on all servers", ""],
    ["on its own", "/raw"],
  ])("is read by the URI that its tool names and no list does, as it came (%s)", async (_where, server) => {
    const { tools } = (await ask("tools/list", {}, { server })).result;
    const page = tools.find(({ name }: Json) => name.endsWith("page"));
    expect(page._meta.ui).toEqual({ resourceUri: "ui://raw/page", visibility: ["model", "app"] });
    const { contents } = (await ask("resources/read", { uri: "ui://raw/page" }, { server })).result;
    expect(contents).toEqual([{ uri: "ui://raw/page", mimeType: "text/html;profile=mcp-app", text: "<p>app</p>", _meta: { ui: { csp: { connectDomains: ["https://x.example"] } } } }]);
    expect((await ask("tools/call", { name: "page" }, { server })).result.structuredContent).toEqual({ n: 1.1 });
    expect((await ask("server/discover", {}, { server })).result.capabilities.extensions["io.modelcontextprotocol/ui"]).toEqual({ mimeTypes: ["text/html;profile=mcp-app"] });
  });
});
