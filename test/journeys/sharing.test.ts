/** Many clients on one backend process: equal ids, equal progress tokens, and each gets exactly its own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { type Endpoint, openPipe, openSession, type Sent, sendModern } from "../fixtures/rpc.ts";

let program: Program;
const backend = (era: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), era] });

beforeAll(async () => {
  program = await startProgram({ config: { mcpServers: { modern: backend("modern"), legacy: backend("legacy") } } });
});
afterAll(() => program[Symbol.asyncDispose]());

const endpoint = (): Endpoint => ({ url: `${program.origin}/mcp`, token: program.token });

/** One client's way to call `work`, always with id 7 and progress token "same". */
type Work = (server: string, tag: string, signal?: AbortSignal) => Promise<Sent>;
const modernClient = (): Work => (server, tag, signal) =>
  sendModern(endpoint(), { id: "7", method: "tools/call", name: `${server}__work`, params: `"name":"${server}__work","arguments":{"tag":"${tag}","hold":true}`, meta: ',"progressToken":"same"', ...(signal === undefined ? {} : { signal }) });
const legacyClient = async (): Promise<Work> => {
  const session = await openSession(endpoint());
  return (server, tag, signal) => session.send(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${server}__work","arguments":{"tag":"${tag}","hold":true},"_meta":{"progressToken":"same"}}}`, signal);
};

const tool = async (server: string, name: string, args = "{}"): Promise<string> => {
  const sent = await sendModern(endpoint(), { method: "tools/call", name: `${server}__${name}`, params: `"name":"${server}__${name}","arguments":${args}` });
  return (JSON.parse(sent.messages.at(-1) ?? "") as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";
};

/** Releases a call once it is held by the backend: releasing is repeated until the call has answered. */
async function releaseUntilDone(server: string, tag: string, done: Promise<unknown>): Promise<void> {
  let finished = false;
  void done.then(() => { finished = true; });
  while (!finished) await tool(server, "release", `{"tag":"${tag}"}`);
}

for (const server of ["modern", "legacy"]) {
  describe(`on one ${server} backend process`, () => {
    test("clients with equal ids and equal progress tokens each get their own answers and progress, in any order", async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 8 }), fc.infiniteStream(fc.nat()), async (eras, order) => {
          round += 1;
          const running = await Promise.all(
            eras.map(async (isModern, index) => {
              const tag = `${server}-${round}-${index}`;
              const work = isModern ? modernClient() : await legacyClient();
              return { tag, answer: work(server, tag) };
            }),
          );
          const left = [...running];
          while (left.length > 0) {
            const [next] = left.splice((order.next().value ?? 0) % left.length, 1);
            if (next !== undefined) await releaseUntilDone(server, next.tag, next.answer);
          }
          for (const { tag, answer } of running) {
            const messages = (await answer).messages.map((text) => JSON.parse(text) as { id?: number; method?: string; params?: { progressToken: string; progress: number; message: string }; result?: { content: { text: string }[] } });
            const final = messages.at(-1);
            expect(final?.id).toBe(7);
            expect(final?.result?.content[0]?.text).toBe(tag);
            const progress = messages.slice(0, -1).filter((message) => message.method === "notifications/progress");
            expect(progress.map((message) => message.params?.message)).toEqual([tag, tag, tag]);
            expect(progress.map((message) => message.params?.progress)).toEqual([1, 2, 3]);
            expect(progress.every((message) => message.params?.progressToken === "same")).toBe(true);
          }
        }),
        { numRuns: 15 },
      );
    }, 60_000);

    test("two HTTP+SSE streams with equal ids each get their progress in order, then their answer", async () => {
      const pipes = await Promise.all(["", `/${server}`].map((path) => openPipe(program.origin, `/sse${path}`, program.token)));
      const names = [`${server}__work`, "work"];
      for (const [index, pipe] of pipes.entries()) {
        const at = (text: string): Promise<number> => pipe.send(text);
        await at('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}');
        expect(JSON.parse(await pipe.next())).toMatchObject({ id: 1, result: { protocolVersion: "2024-11-05" } });
        await at('{"jsonrpc":"2.0","method":"notifications/initialized"}');
        expect(await at(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${names[index]}","arguments":{"tag":"pipe-${index}"},"_meta":{"progressToken":"same"}}}`)).toBe(202);
      }
      for (const [index, pipe] of pipes.entries()) {
        for (const progress of [1, 2, 3]) expect(JSON.parse(await pipe.next())).toMatchObject({ method: "notifications/progress", params: { progressToken: "same", progress } });
        expect(JSON.parse(await pipe.next())).toMatchObject({ id: 7, result: { content: [{ text: `pipe-${index}` }] } });
        await pipe[Symbol.asyncDispose]();
      }
    });

    test("a cancelled call reaches the backend as its own and no other's", async () => {
      const gone = new AbortController();
      const kept = modernClient()(server, `${server}-kept`);
      const cancelled = modernClient()(server, `${server}-gone`, gone.signal).catch(() => "closed");
      // The backend holds both before one of them is closed.
      let held = "";
      while (!held.includes("-gone") || !held.includes("-kept")) held = await tool(server, "held");
      gone.abort();
      expect(await cancelled).toBe("closed");
      let list = "";
      while (!list.includes("-gone")) list = await tool(server, "cancelled");
      expect(JSON.parse(list)).toEqual([`${server}-gone`]);
      await releaseUntilDone(server, `${server}-kept`, kept);
      expect((await kept).messages.at(-1)).toContain(`${server}-kept`);
    }, 20_000);
  });
}
