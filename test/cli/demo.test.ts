import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Client as ClientV2, InMemoryTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioV2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { createDemo } from "../../src/cli/demo.ts";

const child = { command: process.execPath, args: [join(import.meta.dir, "..", "fixtures", "demo.ts")] };
const identity = { name: "demo-test", version: "1.0.0" };
const answer = { action: "accept" as const, content: { name: "Ada" } };

interface Result {
  content: { type: string; text?: string; data?: string; mimeType?: string }[];
  isError?: boolean;
  structuredContent?: unknown;
}
interface Received {
  method?: string;
  params?: { progress?: number; total?: number };
}
interface Demo extends AsyncDisposable {
  call(name: string, args?: Record<string, unknown>, options?: { signal?: AbortSignal; onprogress?: (p: { progress: number; total?: number | undefined }) => void }): Promise<Result>;
  /** Every message from the server, in the order of the wire. */
  readonly received: Received[];
  readonly client: Pick<ClientV1, "listTools" | "listResources" | "listResourceTemplates" | "readResource" | "listPrompts" | "getPrompt" | "complete">;
}

/** A client keeps a listener that was there before it; its own progress callback may miss a message that a result follows at once. */
function record(transport: { onmessage?: unknown }): Received[] {
  const received: Received[] = [];
  transport.onmessage = (message: Received) => void received.push(message);
  return received;
}

async function demoV1(canBeAsked: boolean): Promise<Demo> {
  const client = new ClientV1(identity, { capabilities: canBeAsked ? { elicitation: {} } : {} });
  if (canBeAsked) client.setRequestHandler(ElicitRequestSchema, () => answer);
  const transport = new StdioV1(child);
  const received = record(transport);
  await client.connect(transport);
  return {
    client,
    received,
    call: async (name, args = {}, options) => (await client.callTool({ name, arguments: args }, undefined, options)) as Result,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const demoV2 =
  (mode: "modern" | "legacy") =>
  async (canBeAsked: boolean): Promise<Demo> => {
    const client = new ClientV2(identity, {
      capabilities: canBeAsked ? { elicitation: {} } : {},
      versionNegotiation: { mode: mode === "modern" ? { pin: "2026-07-28" } : "legacy" },
    });
    if (canBeAsked) client.setRequestHandler("elicitation/create", () => answer);
    const transport = new StdioV2(child);
    const received = record(transport);
    await client.connect(transport);
    return {
      received,
      client: client as unknown as Demo["client"],
      call: async (name, args = {}, options) => (await client.callTool({ name, arguments: args }, options)) as unknown as Result,
      [Symbol.asyncDispose]: () => client.close(),
    };
  };

/** Without a process in between, so that coverage sees the handlers run. */
async function demoInProcess(canBeAsked: boolean): Promise<Demo> {
  const client = new ClientV2(identity, { capabilities: canBeAsked ? { elicitation: {} } : {} });
  if (canBeAsked) client.setRequestHandler("elicitation/create", () => answer);
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await createDemo().connect(theirs as never);
  const received = record(ours);
  await client.connect(ours);
  return {
    received,
    client: client as unknown as Demo["client"],
    call: async (name, args = {}, options) => (await client.callTool({ name, arguments: args }, options)) as unknown as Result,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const clients = [
  ["a client in the same process", demoInProcess],
  ["the v1 client", demoV1],
  ["the v2 client in the older revision", demoV2("legacy")],
  ["the v2 client in the newer revision", demoV2("modern")],
] as const;

for (const [label, connect] of clients)
  describe(`${label} and the demonstration server`, () => {
    test("tools give text, an image, structured output and a failure", async () => {
      await using demo = await connect(false);
      const { tools } = await demo.client.listTools();
      expect(tools.map((tool) => tool.name)).toEqual(["echo", "picture", "count", "fail", "steps", "wait", "greet"]);
      expect((await demo.call("echo", { text: "so be it" })).content).toEqual([{ type: "text", text: "so be it" }]);
      const [image] = (await demo.call("picture")).content;
      expect(image?.mimeType).toBe("image/png");
      expect(Buffer.from(image!.data!, "base64").toString("latin1", 1, 4)).toBe("PNG");
      expect((await demo.call("count", { text: "two words\nof three" })).structuredContent).toEqual({ characters: 18, words: 4, lines: 2 });
      expect(await demo.call("fail")).toMatchObject({ isError: true, content: [{ text: "This tool always fails." }] });
    });

    test("an argument that is missing is told to the model", async () => {
      await using demo = await connect(false);
      const result = await demo.call("echo").catch((error: Error) => error);
      expect(result instanceof Error ? result.message : result.content[0]?.text).toContain("text");
    });

    test("progress is reported step by step before the result", async () => {
      await using demo = await connect(false);
      const result = await demo.call("steps", { steps: 3 }, { onprogress: () => undefined });
      const wire = demo.received.slice(-4).map(({ method, params }) => (method === undefined ? "result" : [method, params?.progress, params?.total]));
      expect(wire).toEqual([
        ["notifications/progress", 1, 3],
        ["notifications/progress", 2, 3],
        ["notifications/progress", 3, 3],
        "result",
      ]);
      expect(result.content[0]?.text).toBe("Took 3 steps.");
    });

    test("a call that waits ends when it is cancelled, and the server goes on", async () => {
      await using demo = await connect(false);
      const cancelling = new AbortController();
      const waiting = demo.call("wait", { seconds: 600 }, { signal: cancelling.signal }).catch((error: unknown) => error);
      expect((await demo.call("wait", { seconds: 0 })).content[0]?.text).toBe("Waited 0 seconds.");
      cancelling.abort("enough");
      expect(await waiting).toBeInstanceOf(Error);
      expect((await demo.call("echo", { text: "still here" })).content[0]?.text).toBe("still here");
    });

    test("a client that can be asked is asked", async () => {
      await using demo = await connect(true);
      expect((await demo.call("greet")).content[0]?.text).toBe("Hello, Ada!");
    });

    test("a client that cannot be asked gets an error that says why", async () => {
      await using demo = await connect(false);
      const result = await demo.call("greet").catch((error: Error) => error);
      if (!(result instanceof Error)) expect(result.isError).toBe(true);
      expect(result instanceof Error ? result.message : result.content[0]?.text).toMatch(/elicitation/u);
    });

    test("resources, templates, prompts and completion answer", async () => {
      await using demo = await connect(false);
      const { client } = demo;
      expect((await client.listResources()).resources.map((resource) => resource.uri)).toEqual(["demo://welcome", "demo://picture"]);
      expect((await client.readResource({ uri: "demo://welcome" })).contents[0]).toMatchObject({ mimeType: "text/plain", text: expect.stringContaining("Welcome") });
      expect((await client.readResource({ uri: "demo://picture" })).contents[0]).toMatchObject({ mimeType: "image/png", blob: expect.any(String) });
      expect((await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate)).toEqual(["demo://city/{name}"]);
      expect((await client.readResource({ uri: "demo://city/Berlin" })).contents[0]).toMatchObject({ text: "Berlin is a city." });
      expect((await client.listPrompts()).prompts.map((prompt) => [prompt.name, prompt.arguments?.map(({ name, required }) => [name, required ?? false])])).toEqual([
        ["tour", undefined],
        ["explain", [["topic", true], ["style", false]]],
      ]);
      const prompt = await client.getPrompt({ name: "explain", arguments: { topic: "tides", style: "poetic" } });
      expect(prompt.messages[0]?.content).toEqual({ type: "text", text: "Explain tides in a poetic way." });
      const style = await client.complete({ ref: { type: "ref/prompt", name: "explain" }, argument: { name: "style", value: "DE" } });
      expect(style.completion.values).toEqual(["detailed"]);
      const city = await client.complete({ ref: { type: "ref/resource", uri: "demo://city/{name}" }, argument: { name: "name", value: "t" } });
      expect(city.completion.values).toEqual(["Tokyo", "Toronto"]);
      const other = await client.complete({ ref: { type: "ref/prompt", name: "explain" }, argument: { name: "topic", value: "" } });
      expect(other.completion.values).toEqual([]);
    });
  });

test("the server ends by itself when its stdin ends", async () => {
  const server = Bun.spawn([child.command, ...child.args], { stdin: "pipe", stdout: "ignore", stderr: "ignore" });
  await server.stdin.end();
  expect(await server.exited).toBe(0);
});

test("each connection gets a server of its own", () => {
  expect(createDemo()).not.toBe(createDemo());
});
