import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Decision, ShownRequest } from "../../src/auth/index.ts";
import { fault } from "../../src/base/index.ts";
import { parseAnswer } from "../../src/cli/interview.ts";
import { run } from "../../src/cli/index.ts";
import { keptOutput, runHere } from "../fixtures/cli.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { editorAsks, idleOperator } from "../fixtures/doorkeeper.ts";
import { operated } from "../fixtures/operated.ts";

const editor: ShownRequest = {
  ...editorAsks,
  scopes: [
    { scope: "tag:web", servers: [{ name: "docs", tools: ["a", "b"] }, { name: "wiki", tools: ["c"] }], asked: true },
    { scope: "server:db", servers: [{ name: "db", tools: [] }], asked: false },
  ],
  refresh: true,
  lifeMs: 90 * 86_400_000,
  expiresAt: Date.now() + 570_000,
};
const tv: ShownRequest = { ...editor, id: "r_2", code: "BBBB-CCCC", client: { id: "tv.example", name: "tv.example", domain: "tv.example" }, redirectHost: null, isLoopback: false, scopes: editor.scopes.map((one) => ({ ...one, asked: false })), refresh: false };

async function desk(waiting: readonly ShownRequest[]) {
  const decided: [string, Decision][] = [];
  const server = await operated({}, undefined, { auth: idleOperator({ waiting: () => waiting, decide: (...decision) => void decided.push(decision) }) });
  return { decided, flags: server.flags, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe("approve in a pipe", () => {
  test("lists who waits, with what is not verified, and where the answer goes", async () => {
    await using at = await desk([editor, tv]);
    const { code, stdout } = await runHere(["approve", ...at.flags]);
    expect([code, stdout.split("\n")]).toEqual([0, ["CODE\tID\tCLIENT\tVOUCHED FOR BY\tANSWER GOES TO\tSCOPES", "HRCL-PCVJ\tr_1\tEditor\\u001b[2J\tnot verified\t127.0.0.1:4000 (this computer)\ttag:web", "BBBB-CCCC\tr_2\ttv.example\ttv.example\tthe device that shows the code\tto be chosen", ""]]);
    expect(JSON.parse((await runHere(["approve", "--json", ...at.flags])).stdout)).toEqual([editor, tv]);
    expect(at.decided).toEqual([]);
  });

  test("decides by code or id, for what was asked or for what is said", async () => {
    await using at = await desk([editor, tv]);
    expect(await runHere(["approve", "--yes", "hrclpcvj", ...at.flags])).toMatchObject({ code: 0, stdout: "“Editor\\u001b[2J” is granted tag:web\n" });
    expect((await runHere(["approve", "--yes", "r_2", "--scope", "server:db", ...at.flags])).code).toBe(0);
    expect((await runHere(["approve", "--yes", "r_2", "--scope", "all", ...at.flags])).code).toBe(0);
    expect(await runHere(["approve", "--deny", "BBBB-CCCC", ...at.flags])).toMatchObject({ code: 0, stdout: "“tv.example” gets nothing\n" });
    expect(at.decided).toEqual([
      ["r_1", { approve: true, scopes: ["tag:web"] }],
      ["r_2", { approve: true, scopes: ["server:db"] }],
      ["r_2", { approve: true, scopes: ["tag:web", "server:db"] }],
      ["r_2", { approve: false }],
    ]);
  });

  test("grants nothing that nobody named, and knows no other request", async () => {
    await using at = await desk([editor, tv]);
    expect(await runHere(["approve", "--yes", "r_2", ...at.flags])).toMatchObject({ code: 2, stderr: expect.stringContaining("--scope tag:web, or --scope server:db") });
    expect(await runHere(["approve", "--yes", "r_3", ...at.flags])).toMatchObject({ code: 1 });
    expect(await runHere(["approve", "--yes", "r_1", "--deny", "r_1", ...at.flags])).toMatchObject({ code: 2 });
    expect(at.decided).toEqual([]);
  });

  test("tells what the server refused, and that there is none", async () => {
    const server = await operated({}, undefined, { auth: idleOperator({ waiting: () => [editor], decide: () => { throw fault("PARAMS_INVALID", { detail: "a scope was not among those that were offered" }); } }) });
    expect(await runHere(["approve", "--yes", "r_1", "--scope", "tag:none", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("not among those") });
    await server[Symbol.asyncDispose]();
    expect(await runHere(["approve", ...server.flags])).toMatchObject({ code: 1, stderr: expect.stringContaining("1mcp serve") });
  });

  test("waits for somebody, and not for ever", async () => {
    let asked = 0;
    await using server = await operated({}, undefined, { auth: idleOperator({ waiting: () => ((asked += 1) > 1 ? [editor] : []) }) });
    expect((await runHere(["approve", "--wait", ...server.flags])).stdout).toContain("HRCL-PCVJ");
    await using at = await desk([]);
    const late = { ...createTestClock(), now: () => (asked += 600_000) };
    const code = await run({ argv: ["approve", "--wait", ...at.flags], env: {}, stdout: keptOutput(), stderr: keptOutput(), signals: process, pipes: () => ({}) as never, clock: late, selfArgv: [] });
    expect(code).toBe(1);
  });
});

describe("approve on a terminal", () => {
  async function talked(flags: readonly string[], text: string): Promise<{ code: number; text: string }> {
    const stdout = keptOutput(true);
    const pipes = () => ({ input: new Blob([text]).stream(), typist: async () => ({ echo: () => undefined }) }) as never;
    const code = await run({ argv: ["approve", ...flags], env: {}, stdout, stderr: keptOutput(), signals: process, pipes, clock: null, selfArgv: [] });
    return { code, text: stdout.text() };
  }

  test("shows each request as the page does, and asks", async () => {
    await using at = await desk([editor, tv]);
    const { code, text } = await talked(at.flags, "what?\ny\n2\n");
    expect(code).toBe(0);
    expect(text.replaceAll(/waits for: .*/g, "waits for: T")).toBe(
      [
        "",
        "HRCL-PCVJ  “Editor\\u001b[2J”, not verified",
        "  known as:        c_1",
        "  answer goes to:  127.0.0.1:4000 (this computer)",
        "  careful:         any program on this computer could be listening there; go on only if you have just started this login",
        "  for:             http://127.0.0.1:3050/mcp",
        "  lasts:           at most 90 d, renewed by the program itself",
        "  waits for: T",
        "  may be granted:",
        "     1 [x] tag:web    docs (2 tools), wiki (1 tool)",
        "     2 [ ] server:db  db (0 tools)",
        "Is this the code on the page, and shall it get this? y: what is marked, 1,2: these, all: everything, n: nothing, Enter: later > Is this the code on the page, and shall it get this? y: what is marked, 1,2: these, all: everything, n: nothing, Enter: later > “Editor\\u001b[2J” is granted tag:web",
        "",
        "BBBB-CCCC  “tv.example”, vouched for by tv.example",
        "  answer goes to:  the device that shows the code",
        "  for:             http://127.0.0.1:3050/mcp",
        "  lasts:           at most 90 d",
        "  waits for: T",
        "  may be granted:",
        "     1 [ ] tag:web    docs (2 tools), wiki (1 tool)",
        "     2 [ ] server:db  db (0 tools)",
        "Is this the code on the page, and shall it get this? 1,2: these, all: everything, n: nothing, Enter: later > “tv.example” is granted server:db",
        "",
      ].join("\n"),
    );
    expect(at.decided).toEqual([["r_1", { approve: true, scopes: ["tag:web"] }], ["r_2", { approve: true, scopes: ["server:db"] }]]);
  });

  test("leaves alone what is not answered, denies what is denied, and says where there is nobody", async () => {
    await using at = await desk([editor, { ...tv, scopes: [] }]);
    const { text } = await talked(at.flags, "n\n");
    expect([text.includes("it goes on waiting"), text.includes("no server is configured")]).toEqual([true, true]);
    expect(at.decided).toEqual([["r_1", { approve: false }]]);
    await using nobody = await desk([]);
    expect((await talked(nobody.flags, "")).text).toBe("nobody waits for your decision\n");
  });
});

test("whatever is typed grants only what was offered", () => {
  const offered = editor.scopes.map(({ scope }) => scope);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.constantFrom("y", "yes", "all", "1", "2,1", "1 1", "3", "0", "n", "")), fc.constantFrom(editor, tv), (text, request) => {
      const answer = parseAnswer(text, request);
      if (typeof answer === "string") expect(["deny", "later", "again"]).toContain(answer);
      else expect(answer.length > 0 && answer.every((scope) => offered.includes(scope))).toBeTrue();
    }),
  );
  expect(["y", "Y", "2, 1", "3", "all", "no", " ", "maybe"].map((text) => parseAnswer(text, editor))).toEqual([["tag:web"], ["tag:web"], ["server:db", "tag:web"], "again", ["tag:web", "server:db"], "deny", "later", "again"]);
  expect(parseAnswer("y", tv)).toBe("again");
});
