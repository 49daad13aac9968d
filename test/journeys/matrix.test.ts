/**
 * Any client with any server: each feature of the protocol in a row, each client and each server in a column. A cell that
 * cannot be says why in this table; there is no other way to leave one out.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { runMatrixModern } from "../fixtures/matrixServers.ts";
import { type Party, type PartyKind, partyKinds } from "../fixtures/parties.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { runV1Http, runV1Sse } from "../fixtures/v1Server.ts";

const everythingDir = join(projectDir, "node_modules", "@modelcontextprotocol", "server-everything", "dist");
const matrixPath = join(projectDir, "test", "fixtures", "matrixServers.ts");

type Params = Record<string, unknown>;
interface Use {
  readonly name: string;
  readonly arguments?: Params;
  /** What the text of the answer must show. */
  readonly shows?: string;
}
type Tool = "say" | "structured" | "picture" | "steps" | "log" | "ask_model" | "ask_form" | "ask_url" | "ask_roots";

interface Stand {
  readonly label: string;
  /** The key of its entry. */
  readonly name: string;
  readonly serverName: string;
  readonly instructions: string;
  readonly use: Readonly<Record<Tool, Use>>;
  readonly prompt: { readonly name: string; readonly arguments: Record<string, string>; readonly complete: { argument: { name: string; value: string }; expects: string; prompt: string } };
  readonly uri: string;
  readonly templated: string;
  readonly watched: string;
  readonly touch: string;
  /** The older package says of a missing resource what only the newest revision says; that is passed on. */
  readonly saysMissing: boolean;
  /** Features that this server has no way to show, and why. */
  readonly cannot: Partial<Record<Feature, string>>;
}

const ours = (label: string, name: string, cannot: Stand["cannot"]): Stand => ({
  label,
  name,
  serverName: "matrix",
  instructions: "Say what you want to hear.",
  use: {
    say: { name: "say", arguments: { text: "hello" }, shows: "hello" },
    structured: { name: "structured" },
    picture: { name: "picture" },
    steps: { name: "steps", shows: "stepped" },
    log: { name: "log", shows: "logged" },
    ask_model: { name: "ask_model", shows: "said" },
    ask_form: { name: "ask_form", shows: "Ada" },
    ask_url: { name: "ask_url", shows: "accept" },
    ask_roots: { name: "ask_roots", shows: "file:///party" },
  },
  prompt: { name: "greet", arguments: { who: "you" }, complete: { prompt: "greet", argument: { name: "who", value: "a" }, expects: "ada" } },
  uri: "test://text",
  templated: "test://item/7",
  watched: "test://watched",
  touch: "touch",
  saysMissing: name === "older",
  cannot,
});

const everything = (label: string, name: string): Stand => ({
  label,
  name,
  serverName: "mcp-servers/everything",
  instructions: "Everything Server",
  use: {
    say: { name: "echo", arguments: { message: "hello" }, shows: "Echo: hello" },
    structured: { name: "get-structured-content", arguments: { location: "New York" } },
    picture: { name: "get-tiny-image" },
    steps: { name: "trigger-long-running-operation", arguments: { duration: 0.1, steps: 2 }, shows: "completed" },
    log: { name: "toggle-simulated-logging" },
    ask_model: { name: "trigger-sampling-request", arguments: { prompt: "x", maxTokens: 9 }, shows: "said" },
    ask_form: { name: "trigger-elicitation-request", shows: "Ada" },
    ask_url: { name: "trigger-url-elicitation", arguments: { url: "https://example.test/sign-in" }, shows: "completed the URL elicitation" },
    ask_roots: { name: "get-roots-list" },
  },
  prompt: { name: "args-prompt", arguments: { city: "Ulm" }, complete: { prompt: "completable-prompt", argument: { name: "department", value: "E" }, expects: "Engineering" } },
  uri: "demo://resource/static/document/architecture.md",
  templated: "demo://resource/dynamic/text/1",
  watched: "demo://resource/dynamic/text/1",
  touch: "toggle-subscriber-updates",
  saysMissing: true,
  cannot: {
    roots: "it asks once, after the handshake and outside of any call, and shows what it was told then",
    logging: "its lines come at random levels and every five seconds, never for a call",
    cancellation: "it tells nobody that a call was cancelled",
    "list changes": "its lists never change",
    "unknown members": "its results have none",
    tasks: "its only task takes four seconds; the server on the v1 package has one of the same kind",
  },
});

const v2 = { tasks: "the package knows no tasks of 2025, and those of 2026 are an extension that it leaves to others" };
const stands: readonly Stand[] = [
  ours("v1 SDK on stdio", "older", {}),
  ours("v2 SDK on stdio", "newer", v2),
  everything("server-everything on stdio", "everything"),
  everything("server-everything on Streamable HTTP", "everything-http"),
  everything("server-everything on HTTP+SSE", "everything-sse"),
  ours("v2 SDK on HTTP, 2026-07-28 only", "modern", v2),
];

interface Cell {
  readonly party: Party;
  readonly stand: Stand;
}

const call = async ({ party, stand }: Cell, tool: Tool, options?: Parameters<Party["session"]["callTool"]>[1]) => {
  const { name, arguments: args, shows } = stand.use[tool];
  const result = await party.session.callTool({ name, arguments: args ?? {} }, options);
  if (shows !== undefined) expect(JSON.stringify(result.content)).toContain(shows);
  expect(result.isError).not.toBe(true);
  return result;
};

/** A tool that asks: the question came by this way, and its answer reached the tool. */
const asks =
  (tool: Tool, method: string) =>
  async (cell: Cell): Promise<Params> => {
    const before = cell.party.heard.asked.length;
    await call(cell, tool);
    const asked = cell.party.heard.asked.slice(before);
    expect(asked.map((one) => one.method)).toEqual([method]);
    return asked[0]?.params ?? {};
  };

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown }).code;
const failure = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no failure", codeOf);

/** Does `act` while the client listens; gives what it was told. */
async function told({ party, stand }: Cell, method: string, act: () => Promise<unknown>): Promise<Params> {
  const subscribes = method === "notifications/resources/updated";
  const listening = party.era === "modern" ? await party.session.listen(subscribes ? { resourceSubscriptions: [stand.watched] } : { toolsListChanged: true }) : null;
  if (subscribes && listening === null) await party.session.subscribeResource({ uri: stand.watched });
  const next = party.heard.next(method);
  await act();
  const params = await next;
  if (listening !== null) await listening.close();
  else if (subscribes) await party.session.unsubscribeResource({ uri: stand.watched });
  return params;
}

/** A cell that hears nothing fails by itself: the runner's own limit would end the program with the test, and all cells after it. */
const cellMsMax = 4_000;
async function within<T>(cell: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`nothing came within ${cellMsMax} ms`)), cellMsMax);
  try {
    return await Promise.race([cell, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

type Row = (cell: Cell, kind: PartyKind) => Promise<unknown>;

const rows = {
  opening: async ({ party: { session } }: Cell) => expect(session.getServerCapabilities()).toMatchObject({ tools: {}, prompts: {}, resources: {} }),
  version: async ({ party }: Cell, kind: PartyKind) => expect(party.revision ?? "2025-11-25").toBe(kind.era === "modern" ? "2026-07-28" : kind.current ? "2025-11-25" : "2025-06-18"),
  "instructions and identity": async ({ party: { session }, stand }: Cell) => {
    expect(session.getServerVersion()?.name).toBe(stand.serverName);
    expect(session.getInstructions()).toContain(stand.instructions);
  },
  "tools/list": async ({ party: { session }, stand }: Cell) => {
    const names = (await session.listTools()).tools.map(({ name }) => name);
    for (const tool of [stand.use.say, stand.use.ask_model, stand.use.ask_form]) expect(names).toContain(tool.name);
  },
  "tools/call": (cell: Cell) => call(cell, "say"),
  "structured output": async (cell: Cell) => expect((await call(cell, "structured")).structuredContent).toBeObject(),
  "content and annotations": async (cell: Cell) => expect((await call(cell, "picture")).content.map(({ type }) => type)).toContain("image"),
  resources: async ({ party: { session }, stand }: Cell) => {
    expect((await session.listResources()).resources.map(({ uri }) => uri)).toContain(stand.uri);
    expect((await session.listResourceTemplates()).resourceTemplates.length).toBeGreaterThan(0);
    for (const uri of [stand.uri, stand.templated]) expect((await session.readResource({ uri })).contents[0]?.uri).toBe(uri);
  },
  prompts: async ({ party: { session }, stand: { prompt } }: Cell) => {
    expect((await session.listPrompts()).prompts.map(({ name }) => name)).toContain(prompt.name);
    expect((await session.getPrompt({ name: prompt.name, arguments: prompt.arguments })).messages).toHaveLength(1);
  },
  completion: async ({ party: { session }, stand: { prompt } }: Cell) => {
    const { argument, expects, prompt: name } = prompt.complete;
    expect((await session.complete({ ref: { type: "ref/prompt", name }, argument })).completion.values).toContain(expects);
  },
  sampling: asks("ask_model", "sampling/createMessage"),
  "elicitation, form": async (cell: Cell) => expect((await asks("ask_form", "elicitation/create")(cell))["requestedSchema"]).toBeObject(),
  "elicitation, URL": async (cell: Cell) => expect((await asks("ask_url", "elicitation/create")(cell))["url"]).toBe("https://example.test/sign-in"),
  roots: asks("ask_roots", "roots/list"),
  logging: async (cell: Cell) => {
    const { session, heard, era } = cell.party;
    if (era === "legacy") await session.setLoggingLevel("info");
    const next = heard.next("notifications/message");
    await session.callTool({ name: cell.stand.use.log.name, ...(era === "modern" ? { _meta: { "io.modelcontextprotocol/logLevel": "info" } } : {}) });
    expect((await next)["data"]).toBe("noted");
  },
  progress: async (cell: Cell) => {
    const from = cell.party.heard.told.length;
    await call(cell, "steps", { onprogress: () => undefined });
    const steps = cell.party.heard.told.slice(from).filter(({ method }) => method === "notifications/progress");
    expect(steps.map(({ params }) => params["progress"])).toEqual([1, 2]);
  },
  cancellation: async ({ party: { session } }: Cell) => {
    const stops = async (): Promise<number> => Number((await session.callTool({ name: "stops", arguments: {} })).content[0]?.text);
    const before = await stops();
    const gone = new AbortController();
    const held = failure(session.callTool({ name: "hold", arguments: {} }, { signal: gone.signal }));
    await stops();
    gone.abort();
    expect(await held).not.toBe("no failure");
    while ((await stops()) === before);
  },
  ping: async ({ party: { session } }: Cell) => expect(await session.ping()).toEqual({}),
  "list changes": async (cell: Cell) => {
    const title = async (): Promise<unknown> => (await cell.party.session.listTools()).tools.find(({ name }) => name === "changing")?.annotations?.["title"];
    const before = await title();
    await told(cell, "notifications/tools/list_changed", () => cell.party.session.callTool({ name: "change", arguments: {} }));
    expect(await title()).not.toBe(before);
  },
  "resource subscription": async (cell: Cell) => {
    const toggle = () => cell.party.session.callTool({ name: cell.stand.touch, arguments: {} });
    expect((await told(cell, "notifications/resources/updated", toggle))["uri"]).toBe(cell.stand.watched);
    if (cell.stand.name.startsWith("everything")) await toggle();
  },
  tasks: async ({ party: { session } }: Cell) => expect((await session.callTool({ name: "research", arguments: {} })).content[0]?.text).toBe("researched"),
  errors: async (cell: Cell, kind: PartyKind) => {
    const { party } = cell;
    // The older package answers with a result that is an error and names the code in its text.
    const unknown = await party.session.callTool({ name: "no_such_tool", arguments: {} }).then(({ isError, content }) => (isError === true ? content[0]?.text : "no failure"), codeOf);
    expect(String(unknown)).toContain("-32602");
    const missing = await failure(party.session.readResource({ uri: "nowhere://at/all" }));
    expect(missing).toBe(party.era === "modern" || cell.stand.saysMissing || kind.renames ? -32602 : -32002);
  },
  // Of the 404 that 2026-07-28 wants here, the newer package tells by a code of its own.
  "unknown methods": async ({ party: { session } }: Cell) => expect([-32601, "CLIENT_HTTP_NOT_IMPLEMENTED"]).toContain((await failure(session.request({ method: "nobody/knows" }, anything))) as number),
  "unknown members": async (cell: Cell) => expect((await call(cell, "say"))._meta).toMatchObject({ "test/kept": 1 }),
} satisfies Record<string, Row>;
type Feature = keyof typeof rows;

const { z } = await import("zod");
const anything = z.looseObject({});

/** Features that the client's side cannot have, whatever stands behind. */
const cannot = (kind: PartyKind, feature: Feature): string | null => {
  if (feature === "ping" && kind.era === "modern") return "2026-07-28 has no ping";
  if (feature === "elicitation, URL" && !kind.current) return "2025-06-18 has forms only";
  return null;
};
/** Cells that only this pair cannot have. */
function together(kind: PartyKind, stand: Stand, feature: Feature): string | null {
  if (feature === "elicitation, form" && !kind.current && stand.name.startsWith("everything")) return "its form lets choose several at once, which 2025-06-18 cannot say: it is cancelled for the client";
  return null;
}

let program: Program;
let ends: (() => PromiseLike<unknown>)[] = [];

beforeAll(async () => {
  // Its own executables listen on a port that has to be named; its server is the same on the package's own transports.
  const { createServer } = (await import(join(everythingDir, "server", "index.js"))) as { createServer(): { server: McpServer; cleanup(session?: string): void } };
  const cleanups: (() => void)[] = [];
  const create = (): McpServer => {
    const { server, cleanup } = createServer();
    cleanups.push(() => cleanup(server.server.transport?.sessionId));
    return server;
  };
  const [http, sse, modern] = [runV1Http(create), await runV1Sse(create), runMatrixModern()];
  const child = (...args: string[]): object => ({ command: process.execPath, args });
  program = await startProgram({
    config: {
      // Clients of one person come one right after the other, and these servers stop when they are told.
      limits: { lingerOwnMsMax: 1 },
      mcpServers: {
        older: child(matrixPath, "v1"),
        newer: child(matrixPath, "v2"),
        everything: child(join(everythingDir, "index.js"), "stdio"),
        "everything-http": { type: "http", url: http.url },
        "everything-sse": { type: "sse", url: sse.url },
        modern: { type: "http", url: modern.url },
      },
    },
  });
  ends = [async () => program[Symbol.asyncDispose](), async () => cleanups.forEach((end) => end()), http.close, sse.close, modern.close];
});
afterAll(async () => {
  for (const end of ends) await end();
});

for (const kind of partyKinds)
  for (const stand of stands)
    describe(`${kind.label} × ${stand.label}`, () => {
      let party: Party | undefined;
      afterAll(async () => party?.[Symbol.asyncDispose]());
      const connected = async (): Promise<Party> => (party ??= await kind.connect(program, `/${stand.name}`));

      for (const feature of Object.keys(rows) as Feature[]) {
        const reason = stand.cannot[feature] ?? cannot(kind, feature) ?? together(kind, stand, feature);
        const show: Row = rows[feature];
        if (reason === null) test(feature, async () => void (await within(connected().then((party) => show({ party, stand }, kind)))));
        else test.skip(`${feature}: ${reason}`, () => undefined);
      }
    });

test("no cell is empty: each is shown or says why not", () => {
  const reasons = [...stands.flatMap((stand) => Object.values(stand.cannot)), ...partyKinds.flatMap((kind) => (Object.keys(rows) as Feature[]).map((feature) => cannot(kind, feature)))].filter((reason) => reason !== null);
  expect(reasons.filter((reason) => reason.length < 10)).toEqual([]);
  expect(partyKinds.length * stands.length * Object.keys(rows).length).toBe(7 * 6 * 24);
});
