/** Servers on stdio that crash, hang, babble and leave families behind, under the real program. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Program, projectDir, startProgram } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const backend = (...flags: string[]): object => ({ command: process.execPath, args: [join(projectDir, "test", "journeys", "lifeBackend.ts"), ...flags] });
const deed = async (program: Program, name: string, args: object = {}, signal?: AbortSignal): Promise<string> => {
  const sent = await sendModern({ url: `${program.origin}/mcp`, token: program.token }, { method: "tools/call", name, params: `"name":"${name}","arguments":${JSON.stringify(args)}`, ...(signal === undefined ? {} : { signal }) });
  return sent.messages.at(-1) ?? "";
};
const said = (message: string): string => (JSON.parse(message) as { result?: { content: { text: string }[] } }).result?.content[0]?.text ?? message;
const errorIn = (message: string): { message: string; data: { code: string; backend?: string; sent?: boolean; hint?: string } } =>
  (JSON.parse(message) as { error: ReturnType<typeof errorIn> }).error ?? (expect(message).toBe("an error") as never);
/** Running, and not merely waiting to be collected by whoever inherited it. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
/** Ending what will not end takes its time, and tests have little. */
const impatient = { stdinEndMs: 300, termMs: 300 };
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => void setImmediate(resolve));
}
const isBack = (program: Program, name: string) => async (): Promise<boolean> => said(await deed(program, name)) === "ok";

describe("a server that crashes", () => {
  test("in a call is back in under 5 s; its callers hear who, what and whether it was sent; others notice nothing", async () => {
    await using program = await startProgram({ config: { mcpServers: { bad: backend(), good: backend() } } });
    const pid = said(await deed(program, "good__pid"));
    await deed(program, "bad__ok");
    const before = performance.now();
    const others = Array.from({ length: 20 }, () => deed(program, "bad__never"));
    await program.arrived(20, "bad");
    const fell = errorIn(await deed(program, "bad__crash"));
    expect(fell).toMatchObject({ data: { code: "BACKEND_GONE", backend: "bad", sent: true } });
    expect(fell.message).toContain("bad:");
    expect(fell.message).toContain("exit code 3");
    expect(fell.message).toContain("out of luck");
    for (const other of await Promise.all(others)) expect(errorIn(other).data).toMatchObject({ code: "BACKEND_GONE", sent: true });
    expect(said(await deed(program, "good__pid"))).toBe(pid);
    await until(isBack(program, "bad__ok"));
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test("at every start is told with its last words, never given up, and leaves the rest alone", async () => {
    await using program = await startProgram({ config: { mcpServers: { bad: backend("--crash"), good: backend() } } });
    const refused = errorIn(await deed(program, "bad__ok"));
    expect(refused).toMatchObject({ data: { code: "BACKEND_DOWN", backend: "bad" } });
    expect(refused.message).toContain("no licence found");
    expect(said(await deed(program, "good__ok"))).toBe("ok");
  });

  test("with a line half written is no answer", async () => {
    await using program = await startProgram({ config: { mcpServers: { bad: backend() } } });
    expect(errorIn(await deed(program, "bad__halfAndEnd")).data).toMatchObject({ code: "BACKEND_GONE", sent: true });
    await until(isBack(program, "bad__ok"));
  });
});

describe("a server that babbles", () => {
  test("answers twice, to strangers, in halves, in bytes that are no text: each caller gets its own answer", async () => {
    await using program = await startProgram({ config: { mcpServers: { odd: backend() } } });
    const names = ["twice", "strangers", "binary", "ok"];
    expect(said(await deed(program, "odd__half"))).toBe("ok");
    const answers = await Promise.all([...names, ...names, ...names].map((name) => deed(program, `odd__${name}`)));
    expect(answers.map(said)).toEqual(answers.map(() => "ok"));
  });

  test("floods both outputs, or sends a line beyond all bounds, and stays usable; memory stays bounded", async () => {
    await using program = await startProgram({ config: { mcpServers: { loud: backend(), good: backend() } } });
    const flood = [deed(program, "loud__floodOut", { lines: 8000 }), deed(program, "loud__floodErr", { lines: 8000 })];
    const before = performance.now();
    expect(said(await deed(program, "good__ok"))).toBe("ok");
    expect(performance.now() - before).toBeLessThan(2000);
    for (const answer of await Promise.all(flood)) expect(said(answer)).toBe("ok");
    expect(said(await deed(program, "loud__long", { bytes: 100 * 1024 * 1024 }))).toBe("ok");
    expect(said(await deed(program, "loud__ok"))).toBe("ok");
    expect(residentBytes(program.pid)).toBeLessThan(600 * 1024 * 1024);
  });
});

const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

describe("a server that hangs", () => {
  for (const name of ["closeStdin", "closeStdout"]) {
    test(`with one end of its pipes closed is started again in under 5 s: ${name}`, async () => {
      await using program = await startProgram({ config: { limits: impatient, mcpServers: { deaf: backend("--stubborn") } } });
      const pid = Number(said(await deed(program, "deaf__pid")));
      const before = performance.now();
      await deed(program, `deaf__${name}`);
      await until(async () => /^\d+$/u.test(said(await deed(program, "deaf__pid"))) && !runs(pid));
      expect(performance.now() - before).toBeLessThan(5000);
    });
  }

  test("costs its callers their time and no more: the other server answers at once, and the end comes all the same", async () => {
    await using program = await startProgram({ config: { limits: impatient, mcpServers: { bad: { ...backend(), requestTimeout: 500 }, good: backend() } } });
    const pid = Number(said(await deed(program, "bad__pid")));
    const stopped = await Promise.all([deed(program, "bad__stop"), ...Array.from({ length: 63 }, () => deed(program, "bad__ok"))]);
    expect(errorIn(stopped[0] ?? "")).toMatchObject({ data: { code: "BACKEND_TIMEOUT", backend: "bad", sent: true } });
    expect(said(await deed(program, "good__ok"))).toBe("ok");
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(runs(pid)).toBe(false);
  });

  test("is slow in one call of 64 without slowing the others", async () => {
    await using program = await startProgram({ config: { mcpServers: { one: backend() } } });
    await deed(program, "one__ok");
    const gone = new AbortController();
    const slow = deed(program, "one__never", {}, gone.signal).catch(() => "gone");
    const before = performance.now();
    const quick = await Promise.all(Array.from({ length: 63 }, () => deed(program, "one__ok")));
    expect(quick.map(said)).toEqual(quick.map(() => "ok"));
    expect(performance.now() - before).toBeLessThan(2000);
    gone.abort();
    expect(await slow).toBe("gone");
  });
});

describe("a server that starts", () => {
  test("slowly is waited for by callers, and one who leaves is not", async () => {
    await using program = await startProgram({ config: { mcpServers: { slow: backend("--late=700") } } });
    const gone = new AbortController();
    const left = deed(program, "slow__crash", {}, gone.signal).catch(() => "gone");
    const stayed = deed(program, "slow__ok");
    setTimeout(() => gone.abort(), 200);
    expect(await left).toBe("gone");
    expect(said(await stayed)).toBe("ok");
    expect(program.stderr()).not.toContain("out of luck");
  });

  test("without its list of tools shows it as soon as it has one", async () => {
    await using folder = await startProgram({ config: { mcpServers: {} } });
    const file = join(folder.dir, "there");
    await using program = await startProgram({ config: { mcpServers: { late: backend(`--listless=${file}`) } } });
    await program.said("a list could not be fetched");
    await writeFile(file, "");
    await until(isBack(program, "late__ok"));
  });
});

describe("the end", () => {
  const family = "trap '' TERM HUP; echo up >&2; while :; do sleep 0.1; done";

  test("takes children and grandchildren along, those of wrappers too", async () => {
    const wrapped = { command: "sh", args: ["-c", `exec 3<&0; "${process.execPath}" "${join(projectDir, "test", "journeys", "lifeBackend.ts")}" <&3 & wait`] };
    await using program = await startProgram({ config: { limits: impatient, mcpServers: { plain: backend(), stubborn: backend("--stubborn"), wrapped } } });
    const names = ["plain__pid", "stubborn__pid", "wrapped__pid"];
    const pids = [...(await Promise.all(names.map((name) => deed(program, name)))), await deed(program, "plain__fork", { script: family })].map((answer) => Number(said(answer)));
    expect(pids.map(runs)).toEqual([true, true, true, true]);
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(pids.map(runs)).toEqual([false, false, false, false]);
  });

  test("comes at once at the second signal, and even then nothing is left", async () => {
    await using program = await startProgram({ config: { mcpServers: { stubborn: backend("--stubborn") } } });
    const pids = [Number(said(await deed(program, "stubborn__pid"))), Number(said(await deed(program, "stubborn__fork", { script: family })))];
    program.signal("SIGTERM");
    await program.said("shutting down");
    const before = performance.now();
    // A second one that comes at once may be the same one, passed on by a runner above.
    const again = setInterval(() => program.signal("SIGTERM"), 50);
    expect(await program.exited).toBe(1);
    clearInterval(again);
    expect(performance.now() - before).toBeLessThan(1500);
    await until(() => !pids.some(runs));
  });

  test("comes in the middle of a start, too", async () => {
    await using program = await startProgram({ config: { limits: impatient, mcpServers: { slow: backend("--late=100000"), stubborn: backend("--stubborn", "--late=100000") } } });
    program.signal("SIGTERM");
    expect(await program.exited).toBe(0);
  });

  test("of a family whose head crashed is its end as a whole, and the server is back in under 5 s", async () => {
    await using program = await startProgram({ config: { mcpServers: { head: backend() } } });
    const pid = Number(said(await deed(program, "head__fork", { script: family })));
    const before = performance.now();
    await deed(program, "head__crash");
    await until(isBack(program, "head__ok"));
    expect(performance.now() - before).toBeLessThan(5000);
    expect(runs(pid)).toBe(false);
  });
});
