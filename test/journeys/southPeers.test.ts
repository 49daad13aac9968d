/** The back side of the era room against the published servers of both eras, over the real links. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Groups } from "../../src/backend/group.ts";
import { createStdioLink } from "../../src/backend/stdio.ts";
import { CancelSource, createKnownSecrets, defaultLimits, nullLog, systemClock } from "../../src/base/index.ts";
import type { ConnectOptions, Upstream } from "../../src/era/index.ts";
import { connectUpstream } from "../../src/era/upstream.ts";
import { type Call, memberOf, type Notice, type Outcome, rawOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { runHttp } from "../fixtures/conformance.ts";
import { createFolder } from "../fixtures/folder.ts";
import { specOf } from "../fixtures/pool.ts";
import { openRemote } from "../fixtures/remote.ts";
import { runV1Http, runV1Sse } from "../fixtures/v1Server.ts";

interface Told {
  readonly upstream: Upstream;
  readonly lost: string[];
  /** Resolves with the kind of the next list that changed. */
  change(): Promise<string>;
}

async function connect(wire: Parameters<typeof connectUpstream>[0], more: Partial<ConnectOptions> = {}): Promise<Told> {
  const lost: string[] = [];
  let next = Promise.withResolvers<string>();
  const options: ConnectOptions = {
    name: "peer",
    era: "auto",
    capabilities: "{}",
    updated: () => undefined,
    requestMsMax: 10_000,
    probeMsMax: 10_000,
    changed(kind) {
      next.resolve(kind);
      next = Promise.withResolvers();
    },
    logged: () => undefined,
    lost: (reason) => lost.push(reason),
    ...more,
  };
  const upstream = await connectUpstream(wire, options, { clock: systemClock, limits: defaultLimits, log: nullLog, identity: { name: "1mcp", version: "0" } });
  return { upstream, lost, change: () => next.promise };
}

async function openChild(program: string, ...args: string[]) {
  const folder = await createFolder();
  const spec = specOf("child", { command: process.execPath, args: [join(import.meta.dir, "../fixtures", program), ...args] });
  const link = createStdioLink({ spec, clock: systemClock, limits: defaultLimits, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, groups: new Groups() });
  await link.open();
  return {
    link,
    async [Symbol.asyncDispose]() {
      await link.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const use = (upstream: Upstream, name: string, args = "{}", more: Partial<Call> = {}, tool: string | null = null): Promise<Outcome> =>
  upstream.call(callOf("tools/call", `{"name":"public_${name}","arguments":${args}}`, more), { backend: "peer", name, timeoutMs: 10_000, tool });
const textOf = (outcome: Outcome): string => {
  if (outcome.kind !== "done") return JSON.stringify(outcome);
  return (JSON.parse(memberOf(outcome.result, "content") ?? "[]") as { text: string }[])[0]?.text ?? rawOf(outcome.result);
};
const namesOf = async (upstream: Upstream): Promise<string[]> => (await upstream.list("tools")).items.map((item) => (JSON.parse(item) as { name: string }).name);
const collecting = (): { notices: Notice[]; notice: (notice: Notice) => void } => {
  const notices: Notice[] = [];
  return { notices, notice: (notice) => notices.push(notice) };
};
const kindsOf = (notices: readonly Notice[]): string[] => notices.map((notice) => notice.kind);

/** What every older server must do, whatever carries it. */
async function checkOlder({ upstream, change }: Told): Promise<void> {
  expect(upstream.facts.info).toContain('"v1"');
  expect(textOf(await use(upstream, "add", '{"a":2,"b":3}'))).toBe("5");
  expect(textOf(await use(upstream, "roots"))).toMatch(/does not support|does not offer|roots/i);
  const { notices, notice } = collecting();
  expect(textOf(await use(upstream, "work", "{}", { progress: true, logLevel: "info", notice }))).toBe("worked");
  expect(kindsOf(notices)).toEqual(["progress", "log"]);
  const cancel = new CancelSource();
  const held = use(upstream, "hold", "{}", { cancel }).then(() => "answered", (thrown: { code: string }) => thrown.code);
  expect(textOf(await use(upstream, "stops"))).toBe("0");
  cancel.cancel("enough");
  expect(await held).toBe("CALL_CANCELLED");
  let stops = "0";
  while (stops === "0") stops = textOf(await use(upstream, "stops"));
  expect(stops).toBe("1");
  const prompt = await upstream.call(callOf("prompts/get", '{"name":"x","arguments":{"who":"you"}}'), { backend: "peer", name: "hello", timeoutMs: 10_000, tool: null });
  expect(prompt.kind === "done" && rawOf(prompt.result)).toContain("hello you");
  expect(await namesOf(upstream)).not.toContain("grown");
  const changed = change();
  await use(upstream, "grow");
  expect(await changed).toBe("tools");
  expect(await namesOf(upstream)).toContain("grown");
}

describe("a server of the older package", () => {
  test("on stdio", async () => {
    await using child = await openChild("v1Server.ts");
    const told = await connect(child.link);
    expect(told.upstream.facts.revision).toBe("2025-11-25");
    await checkOlder(told);
    await told.upstream.close();
  });

  test("over Streamable HTTP, and again after it forgot our session", async () => {
    const server = runV1Http();
    await using remote = openRemote(server.url);
    const told = await connect(remote.link);
    await checkOlder(told);
    server.forget();
    expect(textOf(await use(told.upstream, "add", '{"a":2,"b":3}'))).toBe("5");
    expect(told.lost).toEqual([]);
    await told.upstream.close();
    await remote.link.close();
    await server.close();
  });

  test("over HTTP+SSE, found without being told", async () => {
    const server = await runV1Sse();
    await using remote = openRemote(server.url);
    const told = await connect(remote.link);
    expect(remote.link.transport).toBe("sse");
    await checkOlder(told);
    await told.upstream.close();
    await remote.link.close();
    await server.close();
  });
});

/** What every modern server must do, whatever carries it. */
async function checkModern({ upstream }: Told): Promise<void> {
  expect(upstream.facts).toMatchObject({ revision: "2026-07-28" });
  expect(upstream.facts.info).toContain("conformance-fixture");
  const { notices, notice } = collecting();
  await use(upstream, "test_tool_with_progress", "{}", { progress: true, notice });
  expect(kindsOf(notices)).toEqual(["progress", "progress", "progress"]);
  await use(upstream, "test_tool_with_logging", "{}", { logLevel: "info", notice });
  expect(kindsOf(notices).slice(3)).toEqual(["log", "log", "log"]);
  await use(upstream, "test_tool_with_logging", "{}", { notice });
  expect(notices).toHaveLength(6);
  const asking = { client: { info: null, capabilities: '{"elicitation":{}}' } };
  const asked = await use(upstream, "test_input_required_result_elicitation", "{}", asking);
  expect(asked.kind).toBe("input");
  const answered = { ...asking, resume: { responses: '{"user_name":{"action":"accept","content":{"name":"Ada"}}}', state: asked.kind === "input" ? asked.state : null, backend: "peer" } };
  expect(textOf(await use(upstream, "test_input_required_result_elicitation", "{}", answered))).toBe("Hello, Ada!");
  const definition = (await upstream.list("tools")).items.find((item) => item.includes('"test_custom_header"')) ?? null;
  expect(textOf(await use(upstream, "test_custom_header", '{"region":"eu west ✓","query":"q"}', {}, definition))).toBe("region=eu west ✓");
}

describe("a server of the newer package", () => {
  test("on stdio", async () => {
    await using child = await openChild("conformance.ts", "stdio");
    const told = await connect(child.link);
    await checkModern(told);
    await told.upstream.close();
  });

  test("over Streamable HTTP", async () => {
    const server = runHttp();
    await using remote = openRemote(server.url);
    const told = await connect(remote.link);
    await checkModern(told);
    // An outdated definition has no marked arguments: the server complains, and the call is repaired.
    const changed = told.change();
    expect(textOf(await use(told.upstream, "test_custom_header", '{"region":"eu","query":"q"}', {}, '{"name":"test_custom_header","inputSchema":{"type":"object"}}'))).toBe("region=eu");
    expect(await changed).toBe("tools");
    await told.upstream.close();
    await remote.link.close();
    await server.close();
  });

  test("tells changes of its lists, on a pipe and over HTTP", async () => {
    await using child = await openChild("conformance.ts", "stdio");
    const server = runHttp();
    await using remote = openRemote(server.url);
    for (const link of [child.link, remote.link]) {
      const told = await connect(link);
      expect(told.upstream.facts.announces).toBe(true);
      const changed = told.change();
      await use(told.upstream, "test_trigger_tool_change");
      expect(await changed).toBe("tools");
      await told.upstream.close();
    }
    await remote.link.close();
    await server.close();
  });

  test("in its older manners: an answer whose stream it closed is taken up again", async () => {
    const server = runHttp();
    await using remote = openRemote(server.url);
    const told = await connect(remote.link, { era: "legacy" });
    expect(told.upstream.facts.revision).toBe("2025-11-25");
    expect(textOf(await use(told.upstream, "test_reconnection"))).toBe("Reconnection test completed successfully.");
    await told.upstream.close();
    await remote.link.close();
    await server.close();
  });
});
