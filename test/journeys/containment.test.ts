/** What one server, or one client, can take from the others: nothing, at each of its bounds, under the real program. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { isAlive } from "../fixtures/alive.ts";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { openSession, type Sent, sendModern } from "../fixtures/rpc.ts";

const backend = (flags: readonly string[] = [], more: object = {}): object => ({ command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts"), ...flags], ...more });
const endpoint = (program: Program) => ({ url: `${program.origin}/mcp`, token: program.token });
const call = (program: Program, name: string, args: object = {}, more: { meta?: string; signal?: AbortSignal } = {}): Promise<Sent> =>
  sendModern(endpoint(program), { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}`, ...more });
const last = ({ messages }: Sent): string => messages.at(-1) ?? "";
const said = (sent: Sent): string => (JSON.parse(last(sent)) as { result?: { content: { text: string }[] } }).result?.content[0]?.text ?? last(sent);
const errorIn = (sent: Sent): { code: number; message: string; data: Record<string, unknown> } => (JSON.parse(last(sent)) as { error: ReturnType<typeof errorIn> }).error ?? (expect(last(sent)).toBe("an error") as never);
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void setImmediate(resolve));
}

describe("a server that has all the calls it may have", () => {
  const config = { limits: { queuedMax: 1 }, mcpServers: { small: backend([], { maxInFlight: 2 }), other: backend() } };

  test("lets one more wait its turn, and the next is told at once: 429, when to come back, that nothing was sent; others are served", async () => {
    await using program = await startProgram({ config });
    expect(said(await call(program, "small__ok"))).toBe("ok");
    const gone = new AbortController();
    const stuck = [0, 1, 2].map(() => call(program, "small__never", {}, { signal: gone.signal }).catch(() => null));
    // Who comes before those three have arrived is served, or waits with them for ever: so each try gives up soon.
    let refused: Sent | null = null;
    await until(async () => {
      refused = await call(program, "small__ok", {}, { signal: AbortSignal.timeout(300) }).catch(() => null);
      return refused?.status === 429;
    });
    const { status, headers } = refused as unknown as Sent;
    expect([status, headers.get("retry-after")]).toEqual([429, "1"]);
    expect(errorIn(refused as unknown as Sent)).toMatchObject({ code: -32603, data: { code: "BACKEND_BUSY", backend: "small", sent: false, retry: "safe", retryAfterMs: 1000 } });
    expect(errorIn(refused as unknown as Sent).message).toContain("small: ");
    const session = await openSession(endpoint(program));
    const legacy = await session.send('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"small__ok","arguments":{}}}');
    expect([legacy.status, legacy.headers.get("retry-after"), (JSON.parse(last(legacy)) as { id: number }).id]).toEqual([429, "1", 7]);
    expect(said(await call(program, "other__ok"))).toBe("ok");
    gone.abort();
    await Promise.all(stuck);
    // Places come free when their callers have gone.
    await until(async () => (await call(program, "small__ok")).status === 200);
  });

  test("serves who waits as soon as there is room", async () => {
    await using program = await startProgram({ config: { ...config, limits: { queuedMax: 10 } } });
    await call(program, "small__ok");
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(program, "small__after", { ms: 30 })));
    expect(answers.map(said)).toEqual(Array.from({ length: 8 }, () => "ok"));
  });
});

test("a client that has all the calls it may have, over all servers, is told at once: 429 and when to come back", async () => {
  await using program = await startProgram({ config: { limits: { callsPerPrincipalMax: 4 }, mcpServers: { one: backend(), two: backend() } } });
  await Promise.all(["one__ok", "two__ok"].map((name) => call(program, name)));
  const gone = new AbortController();
  const stuck = ["one__never", "one__never", "two__never", "two__never"].map((name) => call(program, name, {}, { signal: gone.signal }).catch(() => null));
  let refused: Sent | null = null;
  await until(async () => {
    refused = await call(program, "two__ok");
    return refused.status !== 200;
  });
  expect((refused as unknown as Sent).status).toBe(429);
  expect(errorIn(refused as unknown as Sent)).toMatchObject({ code: -32603, data: { code: "LIMIT_REACHED", retryAfterMs: 1000 } });
  // What needs no server is answered all the same.
  expect((await sendModern(endpoint(program), { method: "tools/list" })).status).toBe(200);
  gone.abort();
  await Promise.all(stuck);
  await until(async () => (await call(program, "two__ok")).status === 200);
});

describe("a deadline", () => {
  test("is of its method and its server, and the error says which server, and after how long", async () => {
    const config = { mcpServers: { hasty: backend([], { methodTimeouts: { "tools/call": 150 } }), patient: backend([], { requestTimeout: 5000 }) } };
    await using program = await startProgram({ config });
    await Promise.all(["hasty__ok", "patient__ok"].map((name) => call(program, name)));
    const [late, inTime] = await Promise.all([call(program, "hasty__never"), call(program, "patient__after", { ms: 300 })]);
    expect(errorIn(late)).toMatchObject({ data: { code: "BACKEND_TIMEOUT", backend: "hasty" } });
    expect(errorIn(late).message).toMatch(/^hasty: .* \(nothing within (1[5-9]\d|[2-9]\d\d) ms\)$/);
    expect(said(inTime)).toBe("ok");
  });

  test("is put off by progress, up to the last one", async () => {
    const times = { requestTimeout: 400 };
    const config = { mcpServers: { lively: backend([], times), bounded: backend([], { ...times, maxTotalTimeout: 900 }) } };
    await using program = await startProgram({ config });
    await Promise.all(["lively__ok", "bounded__ok"].map((name) => call(program, name)));
    const meta = ',"progressToken":"p"';
    const [done, cut] = await Promise.all([call(program, "lively__progress", { ms: 1500 }, { meta }), call(program, "bounded__progress", { ms: 5000 }, { meta })]);
    expect(said(done)).toBe("ok");
    expect(errorIn(cut)).toMatchObject({ data: { code: "BACKEND_TIMEOUT", backend: "bounded" } });
    expect(errorIn(cut).message).toMatch(/nothing within (9\d\d|1[0-4]\d\d) ms/);
  });
});

describe("SIGTERM", () => {
  const limits = { shutdownMsMax: 600, stdinEndMs: 60_000, termMs: 60_000 };

  test("ends servers without calls at once, however long those with calls take", async () => {
    await using program = await startProgram({ config: { limits, mcpServers: { busy: backend(), idle: backend() } } });
    const pid = Number(said(await call(program, "idle__pid")));
    await call(program, "busy__ok");
    const running = call(program, "busy__after", { ms: 500 });
    await program.arrived(1, "busy");
    program.signal("SIGTERM");
    let ended = 0;
    await until(async () => {
      ended = performance.now();
      return !isAlive(pid);
    });
    expect(said(await running)).toBe("ok");
    expect(performance.now() - ended).toBeGreaterThan(100);
    expect(await program.exited).toBe(0);
  });

  test("does not wait for a server that outlasts the drain and ignores both the end of its stdin and TERM", async () => {
    await using program = await startProgram({ config: { limits, mcpServers: { stubborn: backend(["--stubborn"]) } } });
    const pid = Number(said(await call(program, "stubborn__pid")));
    const running = Array.from({ length: 5 }, () => call(program, "stubborn__never"));
    await program.arrived(5, "stubborn");
    const from = performance.now();
    program.signal("SIGTERM");
    for (const sent of await Promise.all(running)) expect(errorIn(sent).data).toMatchObject({ code: "SHUTTING_DOWN" });
    expect(await program.exited).toBe(0);
    expect(performance.now() - from).toBeLessThan(600 + 1500);
    expect(isAlive(pid)).toBe(false);
  });
});
