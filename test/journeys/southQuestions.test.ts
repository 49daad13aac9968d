/** Questions of the published older servers in the middle of a call, over the real links, answered by played callers. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Groups } from "../../src/backend/group.ts";
import type { Link } from "../../src/backend/link.ts";
import { createStdioLink } from "../../src/backend/stdio.ts";
import { createKnownSecrets, defaultLimits, nullLog, systemClock } from "../../src/base/index.ts";
import { relayableCapabilities, type Upstream } from "../../src/era/index.ts";
import { connectUpstream } from "../../src/era/upstream.ts";
import { type Answer, type Ask, type Call, memberOf, type Notice, type Outcome, rawOf, stringOf } from "../../src/protocol/index.ts";
import { callOf } from "../fixtures/calls.ts";
import { createFolder } from "../fixtures/folder.ts";
import { specOf } from "../fixtures/pool.ts";
import { openRemote } from "../fixtures/remote.ts";
import { runV1Http, runV1Sse } from "../fixtures/v1Server.ts";

async function connect(wire: Link): Promise<Upstream> {
  const upstream = await connectUpstream(
    wire,
    { name: "peer", era: "legacy", capabilities: relayableCapabilities, updated: () => undefined, requestMsMax: 10_000, probeMsMax: 10_000, changed: () => undefined, logged: () => undefined, lost: () => undefined },
    { clock: systemClock, limits: defaultLimits, log: nullLog, identity: { name: "1mcp", version: "0" } },
  );
  // As in the program: what it asks right after the handshake comes before any call.
  await upstream.list("tools");
  return upstream;
}

const onStdio = async (): Promise<{ link: Link; close(): Promise<void> }> => {
  const folder = await createFolder();
  const spec = specOf("child", { command: process.execPath, args: [join(import.meta.dir, "../fixtures/v1Server.ts")] });
  const link = createStdioLink({ spec, clock: systemClock, limits: defaultLimits, log: nullLog, secrets: createKnownSecrets(), env: process.env, stateDir: folder.path, groups: new Groups() });
  await link.open();
  return {
    link,
    async close() {
      await link.close();
      await folder[Symbol.asyncDispose]();
    },
  };
};

const onRemote = async (server: { readonly url: string; close(): Promise<void> }): Promise<{ link: Link; close(): Promise<void> }> => {
  const remote = openRemote(server.url);
  return {
    link: remote.link,
    async close() {
      await remote[Symbol.asyncDispose]();
      await server.close();
    },
  };
};

const peers = [
  ["stdio", onStdio],
  ["Streamable HTTP", () => onRemote(runV1Http())],
  ["HTTP+SSE", async () => onRemote(await runV1Sse())],
] as const;

const answers: Readonly<Record<Ask["kind"], string>> = {
  elicitation: '{"action":"accept","content":{"name":"Ada"}}',
  sampling: '{"role":"assistant","content":{"type":"text","text":"hello"},"model":"m"}',
  roots: '{"roots":[{"uri":"file:///home"}]}',
};

/** A caller who answers everything, unless told otherwise. */
function caller(more: Partial<Call> = {}, answer: (ask: Ask) => Promise<Answer> = async (ask) => ({ ok: true, result: answers[ask.kind] })) {
  const asked: Ask[] = [];
  const notices: Notice[] = [];
  const ask = (one: Ask): Promise<Answer> => {
    asked.push(one);
    return answer(one);
  };
  const call = (args: string, method: string): Call => ({ ...callOf(method, `{"name":"x","arguments":${args}}`), client: { info: null, capabilities: relayableCapabilities }, ask, notice: (notice) => notices.push(notice), ...more });
  const use = (upstream: Upstream, name: string, args = "{}", method = "tools/call"): Promise<Outcome> => upstream.call(call(args, method), { backend: "peer", name, timeoutMs: 10_000, tool: null });
  return { asked, notices, use };
}

const textOf = (outcome: Outcome): string => {
  if (outcome.kind !== "done") return JSON.stringify(outcome);
  return (JSON.parse(memberOf(outcome.result, "content") ?? "[]") as { text: string }[])[0]?.text ?? rawOf(outcome.result);
};
const message = (ask: Ask | undefined): string | null => (ask?.params === null || ask === undefined ? null : stringOf(ask.params, "message"));

describe.each(peers)("a published older server on %s", (_, open) => {
  test("gets answers to all that it can ask", async () => {
    const peer = await open();
    const upstream = await connect(peer.link);
    const { asked, notices, use } = caller();
    expect(textOf(await use(upstream, "ask", '{"message":"who?"}'))).toBe(answers.elicitation);
    expect(textOf(await use(upstream, "askLoose", '{"message":"anybody?"}'))).toBe(answers.elicitation);
    expect(JSON.parse(textOf(await use(upstream, "sample")))).toEqual(JSON.parse(answers.sampling));
    expect(textOf(await use(upstream, "where"))).toBe(answers.roots);
    expect(textOf(await use(upstream, "alive"))).toBe("{}");
    const prompt = await use(upstream, "asking", "{}", "prompts/get");
    expect(prompt.kind === "done" && rawOf(prompt.result)).toContain("Ada");
    expect(asked.map(({ kind }) => kind)).toEqual(["elicitation", "elicitation", "sampling", "roots", "elicitation"]);
    expect(await use(upstream, "visit").then(textOf)).toBe(answers.elicitation);
    expect(notices).toMatchObject([{ kind: "other", method: "notifications/elicitation/complete" }]);
    expect(await use(upstream, "mustVisit")).toMatchObject({ kind: "failed", error: { code: -32042 } });
    await upstream.close();
    await peer.close();
  });

  test("hears at once what a client cannot do, and that nobody's roots are none", async () => {
    const peer = await open();
    const upstream = await connect(peer.link);
    const deaf = caller({ client: { info: null, capabilities: "{}" } }, async () => ({ ok: false, error: { code: -32601, message: "cannot", data: null, raw: '{"code":-32601,"message":"cannot"}' } }));
    // Over HTTP this package drops what it asks before the stream for it is open.
    if (peer.link.transport !== "http") expect(textOf(await deaf.use(upstream, "early"))).toBe("0 roots");
    expect(textOf(await deaf.use(upstream, "ask", '{"message":"m"}'))).toContain("cannot");
    expect(deaf.asked).toHaveLength(1);
    await upstream.close();
    await peer.close();
  });

  test("takes a question back, and the client is told", async () => {
    const peer = await open();
    const upstream = await connect(peer.link);
    const withdrawn = Promise.withResolvers<string>();
    const { use } = caller({}, (ask) => {
      ask.cancel.onCancel(withdrawn.resolve);
      return new Promise(() => undefined);
    });
    expect(textOf(await use(upstream, "fickle"))).toBe("taken back");
    expect(await withdrawn.promise).toContain("taken its question back");
    await upstream.close();
    await peer.close();
  });

  test("asking for two principals at once never asks the wrong one", async () => {
    const peer = await open();
    const upstream = await connect(peer.link);
    const people = ["ann", "bob"].map((id) => ({ id, ...caller({ principal: { id, scopes: null } }) }));
    const outcomes = await Promise.all(people.flatMap(({ id, use }) => ["ask", "askLoose"].map(async (tool) => textOf(await use(upstream, tool, `{"message":"${id}"}`)))));
    for (const { id, asked } of people) for (const one of asked) expect(message(one)).toBe(id);
    for (const text of outcomes) expect(text === answers.elicitation || text.includes("isolation") || text.includes("several principals")).toBe(true);
    expect(outcomes.some((text) => text.includes("several principals"))).toBe(true);
    await upstream.close();
    await peer.close();
  });
});
