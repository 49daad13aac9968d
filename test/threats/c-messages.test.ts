/**
 * Part C of the threat table, as far as it is about what messages say: headers that tell another story than the body,
 * states that somebody has made or taken, and arguments that only look dangerous. Over the wire, against the program as it
 * is started by people, before servers of both eras that are written by hand.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fixture, type Granted, startGranted } from "../fixtures/granted.ts";
import { projectDir } from "../fixtures/program.ts";
import { envelope, openSession, send, type Sent, sendModern } from "../fixtures/rpc.ts";

const wired = (era: string): object => ({ command: process.execPath, args: [join(projectDir, "test", "journeys", "wireBackend.ts"), era], tags: ["a"] });

let program: Granted;
beforeAll(async () => {
  program = await startGranted({ config: { mcpServers: { modern: wired("modern"), legacy: wired("legacy"), asking: fixture("rawBackend.ts", ["legacy"], { tags: ["a"] }) } } });
});
afterAll(() => program[Symbol.asyncDispose]());

interface Answer {
  readonly result?: { readonly requestState?: string; readonly resultType?: string; readonly content?: { readonly text: string }[] };
  readonly error?: { readonly code: number };
}
const answerOf = ({ messages }: Sent): Answer => JSON.parse(messages.at(-1) ?? "{}") as Answer;
const codeOf = (sent: Sent): number | undefined => answerOf(sent).error?.code;
const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString("base64")}?=`;

/** Everything that the server got. */
async function seenBy(server: string): Promise<string> {
  return answerOf(await sendModern(program.at(program.token), { method: "tools/call", name: `${server}__seen`, params: `"name":"${server}__seen"` })).result?.content?.[0]?.text ?? "";
}

describe("headers", () => {
  const body = (name: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{"lines":[]},${envelope()}}}`;
  const good: Readonly<Record<string, string>> = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "modern__cancelled" };

  test("79: that disagree with the body, or say it in another form than the one, are refused before anything is done", async () => {
    const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
    const lies: readonly (readonly [string, Record<string, string>])[] = [
      ["another method", { ...good, "Mcp-Method": "tools/list" }],
      ["the method in another case", { ...good, "Mcp-Method": "Tools/Call" }],
      ["no method", without("Mcp-Method")],
      ["two methods", { ...good, "Mcp-Method": "tools/call, tools/list" }],
      ["another name", { ...good, "Mcp-Name": "modern__seen" }],
      ["another server's name", { ...good, "Mcp-Name": "legacy__cancelled" }],
      ["the name in another case", { ...good, "Mcp-Name": "Modern__cancelled" }],
      ["no name", without("Mcp-Name")],
      ["an empty name", { ...good, "Mcp-Name": "" }],
      ["another name in base64", { ...good, "Mcp-Name": base64("modern__seen") }],
      ["base64 that is none", { ...good, "Mcp-Name": "=?base64?%%%?=" }],
      ["base64 without its end", { ...good, "Mcp-Name": base64("modern__cancelled").slice(0, -2) }],
      ["base64 with something behind it", { ...good, "Mcp-Name": `${base64("modern__cancelled")}x` }],
      ["a name in quotes", { ...good, "Mcp-Name": '"modern__cancelled"' }],
      ["a name in percents", { ...good, "Mcp-Name": "modern%5F%5Fcancelled" }],
      ["another revision", { ...good, "MCP-Protocol-Version": "2026-07-29" }],
      ["an older revision", { ...good, "MCP-Protocol-Version": "2025-11-25" }],
    ];
    const reached = async (): Promise<number> => (JSON.parse(await seenBy("modern")) as string[]).filter((message) => message.includes('"name":"cancelled"')).length;
    for (const [what, headers] of lies) {
      const sent = await send(program.at(program.token), body("modern__cancelled"), headers);
      expect([what, sent.status >= 400, sent.status < 500, codeOf(sent) !== undefined]).toEqual([what, true, true, true]);
      if (!what.endsWith("revision")) expect([what, sent.status, codeOf(sent)]).toEqual([what, 400, -32020]);
    }
    expect(await reached()).toBe(0);
    for (const name of ["modern__cancelled", base64("modern__cancelled")]) expect([name, (await send(program.at(program.token), body("modern__cancelled"), { ...good, "Mcp-Name": name })).status]).toEqual([name, 200]);
    expect(await reached()).toBe(2);
  });

  test("79: about arguments are compared with them as they are meant", async () => {
    const call = (server: string, args: string, headers: Record<string, string>): Promise<Sent> => sendModern(program.at(program.token), { method: "tools/call", name: `${server}__mirrored`, params: `"name":"${server}__mirrored","arguments":${args}`, headers });
    // What a tool mirrors is known once its list is.
    await sendModern(program.at(program.token), { method: "tools/list" });
    for (const server of ["modern", "legacy"]) {
      expect((await call(server, '{"count":42,"region":"é"}', { "Mcp-Param-Count": "42", "Mcp-Param-Region": base64("é") })).status).toBe(200);
      for (const [args, headers] of [['{"count":42}', { "Mcp-Param-Count": "43" }], ['{"count":42}', { "Mcp-Param-Count": "0x2a" }], ['{"count":42}', {}], ["{}", { "Mcp-Param-Count": "42" }], ['{"region":"a"}', { "Mcp-Param-Region": "b" }], ['{"region":"a"}', { "Mcp-Param-Region": base64("b") }], ['{"sure":true}', { "Mcp-Param-Sure": "false" }]] as const) {
        const sent = await call(server, args, headers);
        expect([server, args, headers, sent.status, codeOf(sent)]).toEqual([server, args, headers, 400, -32020]);
      }
    }
  });
});

describe("a state", () => {
  const question = '{"jsonrpc":"2.0","id":%ID%,"result":{"resultType":"input_required","requestState":"inner"}}';
  const args = (lines: readonly string[] = [question]): string => `"arguments":{"lines":${JSON.stringify(lines)}}`;
  const ask = (at: Granted, token: string, server: string, more = "", given = args()): Promise<Sent> => sendModern(at.at(token), { method: "tools/call", name: `${server}__script`, params: `"name":"${server}__script",${given}${more}` });
  const state = (text: string): string => `,"requestState":${JSON.stringify(text)}`;

  test("80: that was changed, or is another's, another server's, another request's or nobody's, is refused", async () => {
    const [one, two] = [await program.grant(["tag:a"]), await program.grant(["tag:a"])];
    const made = answerOf(await ask(program, one.token, "modern")).result?.requestState ?? "";
    expect(made).not.toContain("inner");
    expect(answerOf(await ask(program, one.token, "modern", state(made))).result?.resultType).toBe("input_required");
    const flips = Array.from({ length: 16 }, (_, index) => Math.floor((index * made.length) / 16)).map((at) => made.slice(0, at) + (made[at] === "A" ? "B" : "A") + made.slice(at + 1));
    for (const forged of [...flips, made.slice(0, -4), `${made}AAAA`, `${made}=`, ` ${made}`, "inner", "", Buffer.from("inner").toString("base64url"), "A".repeat(made.length)]) expect([forged, codeOf(await ask(program, one.token, "modern", state(forged)))]).toEqual([forged, -32602]);
    expect(codeOf(await ask(program, two.token, "modern", state(made)))).toBe(-32602);
    expect(codeOf(await ask(program, one.token, "legacy", state(made)))).toBe(-32602);
    expect(codeOf(await ask(program, one.token, "modern", state(made), args([question, "more"])))).toBe(-32602);
    await using elsewhere = await startGranted({ config: { mcpServers: { modern: wired("modern") } } });
    expect(codeOf(await ask(elsewhere, elsewhere.token ?? "", "modern", state(made)))).toBe(-32602);
    // The server has heard of its own state once.
    expect((await seenBy("modern")).split('\\"requestState\\":\\"inner\\"').length - 1).toBe(1);
  });

  test("80: that has come to its end is refused", async () => {
    await using brief = await startGranted({ config: { limits: { stateMsMax: 1000 }, mcpServers: { modern: wired("modern") } } });
    const made = answerOf(await ask(brief, brief.token ?? "", "modern")).result?.requestState ?? "";
    let code = codeOf(await ask(brief, brief.token ?? "", "modern", state(made)));
    while (code === undefined) code = codeOf(await ask(brief, brief.token ?? "", "modern", state(made)));
    expect(code).toBe(-32602);
  });

  test("80: of a call that waits in us is good for one use", async () => {
    const { token } = await program.grant(["tag:a"]);
    const call = (more = ""): Promise<Sent> => sendModern(program.at(token), { method: "tools/call", name: "asking__ask_two", params: `"name":"asking__ask_two","arguments":{"tag":"t"}${more}`, capabilities: '"elicitation":{}' });
    const first = answerOf(await call()).result?.requestState ?? "";
    const answers = ',"inputResponses":{"q1":{"action":"decline"}}';
    expect(answerOf(await call(state(first) + answers)).result?.resultType).toBe("input_required");
    for (let time = 0; time < 3; time += 1) expect(codeOf(await call(state(first) + answers))).toBe(-32602);
  });
});

test("83: arguments that only look dangerous come through as they are, in either era", async () => {
  const honest = ["../../etc/passwd", "..\\\\..\\\\windows", "<script>alert(1)</script>", "'; DROP TABLE users; --", "${HOME} $(id) `id`", "{{7*7}} {% x %}", "%0d%0aX-A: b", "\\u0000\\u001b[31m", "javascript:alert(1)", "__proto__", "http://169.254.169.254/", "Bearer abc.def.ghi", "日本 😀 \\u202e", "-----BEGIN PRIVATE KEY-----"];
  const text = `{"lines":["{\\"jsonrpc\\":\\"2.0\\",\\"id\\":%ID%,\\"result\\":{\\"content\\":[]}}"],"__proto__":{"a":1},"number":1.10,${honest.map((value, index) => `"a${index}":"${value}"`).join(",")}}`;
  for (const server of ["modern", "legacy"]) {
    expect((await sendModern(program.at(program.token), { method: "tools/call", name: `${server}__script`, params: `"name":"${server}__script","arguments":${text}` })).status).toBe(200);
    const session = await openSession(program.at(program.token));
    expect((await session.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${server}__script","arguments":${text}}}`)).status).toBe(200);
    const messages = JSON.parse(await seenBy(server)) as string[];
    expect(messages.filter((message) => message.includes(`"arguments":${text}`))).toHaveLength(2);
  }
});
