/**
 * The embedded demonstration: a complete MCP server on stdin and stdout, so that a first run without any configuration
 * shows every kind of thing a server can do. It is written on the official server package, which serves every revision
 * from one set of handlers; only the child process that runs this pays for loading it (it is imported lazily).
 */
import { once } from "node:events";
import { type CallToolResult, McpServer, ResourceTemplate, fromJsonSchema, inputRequired, inputResponse } from "@modelcontextprotocol/server";
import type { ServerContext } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { systemClock } from "../base/index.ts";
import { pngOf } from "./picture.ts";

/** Serves until stdin ends. */
export async function runDemo(): Promise<void> {
  const ended = once(process.stdin, "end");
  const serving = serveStdio(createDemo);
  await ended;
  await serving.close();
}

/** Longest time a tool may be asked to take; a person looks on, nobody waits for more. */
const secondsMax = 600;
/** Most steps of the counting tool, and the pause between two: fast enough to watch, slow enough to see. */
const stepsMax = 100;
const stepMs = 100;

const styles: readonly string[] = Object.freeze(["brief", "detailed", "humorous", "poetic"]);
const cities: readonly string[] = Object.freeze(["Amsterdam", "Berlin", "Lisbon", "London", "Paris", "Prague", "Tokyo", "Toronto"]);

/** One server with everything on it, for one connection. */
export function createDemo(): McpServer {
  const mcp = new McpServer(
    { name: "1mcp-demo", title: "1mcp demonstration", version: "1.0.0" },
    {
      capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
      instructions: "A demonstration server with one tool, resource or prompt of each kind. Nothing here has side effects.",
    },
  );
  addAnswers(mcp);
  addPatience(mcp);
  addQuestion(mcp);
  addResources(mcp);
  addPrompts(mcp);
  addCompletion(mcp);
  return mcp;
}

const text = (value: string): CallToolResult => ({ content: [{ type: "text", text: value }] });

/** Tools that answer at once: text, image, structured output, failure. */
function addAnswers(mcp: McpServer): void {
  const words = fromJsonSchema<{ text: string }>({
    type: "object",
    properties: { text: { type: "string", description: "Any text" } },
    required: ["text"],
  });
  mcp.registerTool("echo", { title: "Echo", description: "Returns the text it is given", inputSchema: words }, (args) => text(args.text));
  mcp.registerTool("picture", { title: "Picture", description: "Returns a small image" }, () => ({
    content: [{ type: "image", data: picture(), mimeType: "image/png" }],
  }));
  const counts = fromJsonSchema<Counts>({
    type: "object",
    properties: { characters: { type: "integer" }, words: { type: "integer" }, lines: { type: "integer" } },
    required: ["characters", "words", "lines"],
  });
  mcp.registerTool(
    "count",
    { title: "Count", description: "Counts characters, words and lines as structured output", inputSchema: words, outputSchema: counts },
    (args) => {
      const structuredContent = countsOf(args.text);
      return { ...text(JSON.stringify(structuredContent)), structuredContent: { ...structuredContent } };
    },
  );
  mcp.registerTool("fail", { title: "Fail", description: "Always fails, as a tool does: with a result that says so" }, () => ({
    ...text("This tool always fails."),
    isError: true,
  }));
}

interface Counts {
  readonly characters: number;
  readonly words: number;
  readonly lines: number;
}

const countsOf = (value: string): Counts => ({
  characters: Array.from(value).length,
  words: value.split(/\s+/u).filter((word) => word !== "").length,
  lines: value === "" ? 0 : value.split("\n").length,
});

/** A square of 64 pixels whose colours run into each other. */
const picture = (): string => Buffer.from(pngOf(64, 64, (x, y) => [x * 4, y * 4, 255 - x * 2 - y * 2])).toString("base64");

/** Tools that take their time: one reports progress, one just waits; both stop when they are cancelled. */
function addPatience(mcp: McpServer): void {
  const steps = fromJsonSchema<{ steps?: number }>({
    type: "object",
    properties: { steps: { type: "integer", minimum: 1, maximum: stepsMax, default: 5, description: "How many steps" } },
  });
  mcp.registerTool("steps", { title: "Steps", description: "Takes steps and reports its progress", inputSchema: steps }, async (args, ctx) => {
    const total = args.steps ?? 5;
    for (let done = 1; done <= total; done += 1) {
      await pause(stepMs, ctx.mcpReq.signal);
      await report(ctx, done, total);
    }
    return text(`Took ${total} steps.`);
  });
  const seconds = fromJsonSchema<{ seconds: number }>({
    type: "object",
    properties: { seconds: { type: "number", minimum: 0, maximum: secondsMax, description: "How long to take" } },
    required: ["seconds"],
  });
  mcp.registerTool("wait", { title: "Wait", description: "Answers after the given time; can be cancelled", inputSchema: seconds }, async (args, ctx) => {
    await pause(args.seconds * 1000, ctx.mcpReq.signal);
    return text(`Waited ${args.seconds} seconds.`);
  });
}

async function report(ctx: ServerContext, progress: number, total: number): Promise<void> {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress, total, message: `Step ${progress} of ${total}` };
  await ctx.mcpReq.notify({ method: "notifications/progress", params });
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = (): void => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = systemClock.timer(ms, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}

/**
 * A tool that asks the user in the middle of the call. The package puts the question in the words of the client's
 * revision, and answers with an error of its own when the client has not declared that it can be asked.
 */
function addQuestion(mcp: McpServer): void {
  const requestedSchema = {
    type: "object" as const,
    properties: { name: { type: "string" as const, title: "Name", description: "What shall I call you?" } },
    required: ["name"],
  };
  mcp.registerTool("greet", { title: "Greet", description: "Asks for a name and greets; needs a client that can be asked" }, (ctx) => {
    const answer = inputResponse(ctx.mcpReq.inputResponses, "name");
    if (answer.kind !== "elicit")
      return inputRequired({ inputRequests: { name: inputRequired.elicit({ message: "What is your name?", requestedSchema }) } });
    return answer.action === "accept" ? text(`Hello, ${String(answer.content?.["name"])}!`) : text("Then I greet nobody in particular: hello!");
  });
}

function addResources(mcp: McpServer): void {
  mcp.registerResource(
    "welcome",
    "demo://welcome",
    { title: "Welcome", description: "A text", mimeType: "text/plain" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "Welcome to the demonstration server of 1mcp." }] }),
  );
  mcp.registerResource(
    "picture",
    "demo://picture",
    { title: "Picture", description: "A binary: the image of the picture tool", mimeType: "image/png" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "image/png", blob: picture() }] }),
  );
  mcp.registerResource(
    "city",
    new ResourceTemplate("demo://city/{name}", { list: undefined }),
    { title: "City", description: "A text for each name", mimeType: "text/plain" },
    (uri, { name }) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: `${String(name)} is a city.` }] }),
  );
}

function addPrompts(mcp: McpServer): void {
  const user = (value: string) => ({ role: "user" as const, content: { type: "text" as const, text: value } });
  mcp.registerPrompt("tour", { title: "Tour", description: "What this server shows" }, () => ({
    messages: [user("List the tools, resources and prompts of the demonstration server, and say what each one shows.")],
  }));
  const argsSchema = fromJsonSchema<{ topic: string; style?: string }>({
    type: "object",
    properties: {
      topic: { type: "string", description: "What to explain" },
      style: { type: "string", description: `How: ${styles.join(", ")}` },
    },
    required: ["topic"],
  });
  mcp.registerPrompt("explain", { title: "Explain", description: "A prompt with arguments", argsSchema }, (args) => ({
    messages: [user(`Explain ${args.topic} in a ${args.style ?? "brief"} way.`)],
  }));
}

/** Completes the prompt's `style` and the template's `name`; knows no proposals for anything else. */
function addCompletion(mcp: McpServer): void {
  mcp.server.setRequestHandler("completion/complete", ({ params }) => {
    const known = params.ref.type === "ref/prompt" ? { style: styles } : { name: cities };
    const words = (known as Record<string, readonly string[]>)[params.argument.name] ?? [];
    const typed = params.argument.value.toLowerCase();
    const values = words.filter((word) => word.toLowerCase().startsWith(typed));
    return { completion: { values, total: values.length, hasMore: false } };
  });
}
