/** What a client sends is what a backend gets, and the other way round: byte for byte, whatever the revisions. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { type Endpoint, openSession, type Sent, sendModern } from "../fixtures/rpc.ts";

let program: Program;
const backend = (era: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), era] });

beforeAll(async () => {
  program = await startProgram({ config: { mcpServers: { modern: backend("modern"), legacy: backend("legacy") } } });
});
afterAll(() => program[Symbol.asyncDispose]());

type Caller = (endpoint: Endpoint, name: string, args: string, id?: string) => Promise<Sent>;
const callers: Readonly<Record<string, Caller>> = {
  "2026-07-28": (endpoint, name, args, id) => sendModern(endpoint, { method: "tools/call", name, params: `"name":"${name}","arguments":${args}`, ...(id === undefined ? {} : { id }) }),
  "2025-11-25": async (endpoint, name, args, id) => (await openSession(endpoint)).send(`{"jsonrpc":"2.0","id":${id ?? "1"},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`),
};

const hard = '{"big":9007199254740993,"rate":1.10,"exp":1e400,"2":"two","1":"one","neg":-0.0,"text":"\\u0041\\ud800 \u2028 ü 🙂 \\/","nested":{"z":[1.0,{"y":12345678901234567890}],"a":null},"__proto__":{"x":1}}';

for (const era of ["modern", "legacy"]) {
  for (const [revision, call] of Object.entries(callers)) {
    describe(`a ${revision} client before a ${era} backend`, () => {
      const merged = (): Endpoint => ({ url: `${program.origin}/mcp`, token: program.token });
      const own = (): Endpoint => ({ url: `${program.origin}/mcp/${era}`, token: program.token });

      // Checklist: G10
      test("numbers, key order, escapes and unknown members survive both ways", async () => {
        for (const [endpoint, name] of [[merged(), `${era}__raw`], [own(), "raw"]] as const) {
          const answer = await call(endpoint, name, hard);
          expect(answer.status).toBe(200);
          const message = answer.messages.at(-1) ?? "";
          expect(message).toContain(`"structuredContent":${hard}`);
          const received = (JSON.parse(message) as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";
          expect(received).toContain(`"arguments":${hard}`);
          expect(received).toContain('"name":"raw"');
        }
      });

      // Checklist: G10
      test("ids keep their text: strings, big integers, negative ones", async () => {
        for (const id of ["1", '"1"', "12345678901234567890", "-7", '"\\u0061"', '""']) {
          const answer = await call(merged(), `${era}__pid`, "{}", id);
          expect(answer.messages.at(-1)).toStartWith(`{"jsonrpc":"2.0","id":${id},"result":`);
        }
      });

      test("the backend's own error arrives with its code, message, data and unknown members", async () => {
        const answer = await call(own(), "fail", "{}");
        expect(answer.messages.at(-1)).toContain('"error":{"code":-31999,"message":"the backend\'s own words","data":{"n":9007199254740993,"rate":1.10},"extra":true}');
      });

      test("an argument and a result of 3 MiB go through", async () => {
        const text = "y".repeat(3 * 1024 * 1024);
        const there = await call(merged(), `${era}__raw`, `{"text":"${text}"}`);
        expect(there.status).toBe(200);
        expect(there.messages.at(-1)).toContain(`"structuredContent":{"text":"${text}"}`);
        const back = await call(merged(), `${era}__big`, `{"bytes":${text.length}}`);
        expect((JSON.parse(back.messages.at(-1) ?? "") as { result: { content: { text: string }[] } }).result.content[0]?.text.length).toBe(text.length);
      });

      test("unknown members of a tool's definition are listed as they came", async () => {
        const listed = revision === "2026-07-28" ? await sendModern(own(), { method: "tools/list" }) : await (await openSession(own())).send('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
        expect(listed.messages.at(-1)).toContain('"default":1.10');
        expect(listed.messages.at(-1)).toContain('"x-unknown":{"kept":9007199254740993}');
      });

      test("a body above the limit is refused with 413 and one just below passes", async () => {
        const limit = 4 * 1024 * 1024;
        const above = await call(merged(), `${era}__raw`, `{"text":"${"z".repeat(limit)}"}`);
        expect(above.status).toBe(413);
        const below = await call(merged(), `${era}__raw`, `{"text":"${"z".repeat(limit - 1024)}"}`);
        expect(below.status).toBe(200);
      });
    });
  }
}
