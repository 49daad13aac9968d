import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { auditPaths, ChainCheck, createAudit, createKnownSecrets, defaultLimits, type Fault, fixedBounds, nullAudit } from "../../src/base/index.ts";
import type { AuditOptions } from "../../src/base/audit.ts";
import { createTestClock } from "../fixtures/clock.ts";
import { createFolder } from "../fixtures/folder.ts";

async function stage() {
  const folder = await createFolder();
  await chmod(folder.path, 0o700);
  const clock = createTestClock();
  const path = folder.at("audit.log");
  const trouble: (Fault | null)[] = [];
  const secrets = createKnownSecrets();
  const begin = (life: string, more: Partial<AuditOptions> = {}) =>
    createAudit({ path, bytesMax: 1024 * 1024, filesMax: 3, clock, secrets, limits: defaultLimits, life, onTrouble: (why) => void trouble.push(why), ...more });
  const linesIn = async (file = path): Promise<string[]> => (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  /** What is wrong in all files together. */
  const wrong = async (): Promise<string[]> => {
    const check = new ChainCheck();
    const found: string[] = [];
    for (const file of auditPaths(path, 3).toReversed()) for (const line of await linesIn(file).catch(() => [])) found.push(check.take(line) ?? "");
    return found.filter((one) => one !== "");
  };
  return { folder, clock, path, trouble, secrets, begin, linesIn, wrong, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe("the audit log", () => {
  test("is a private file of chained lines, goes on from where the life before ended, and is written a moment later", async () => {
    await using at = await stage();
    const first = at.begin("one");
    first.record({ ev: "start", target: "127.0.0.1" });
    first.record({ ev: "tool.call", target: "files/read", result: "ok", call: "c-1" });
    expect(await readdir(at.folder.path)).toEqual([]);
    await at.clock.advance(defaultLimits.auditFlushMs);
    await first.flush();
    expect(await at.linesIn()).toHaveLength(2);
    first.record({ ev: "stop" });
    await first.close();
    await first.close();
    const second = at.begin("two");
    second.record({ ev: "start" });
    await second.close();
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect((await at.linesIn()).map((line) => (JSON.parse(line) as { ev: string }).ev)).toEqual(["start", "tool.call", "stop", "start"]);
    expect(await at.wrong()).toEqual([]);
    expect(at.trouble).toEqual([]);
  });

  test("holds no secret, no line break and no control character of anybody", async () => {
    await using at = await stage();
    at.secrets.add("hunter2hunter2");
    const audit = at.begin("one");
    audit.record({ ev: "auth.invalid", client: `evil\n{"ev":"start"}\u001b[2J\u202e ${"A".repeat(1024 * 1024)}`, reason: `hunter2hunter2 1mcp_${"x".repeat(43)}` });
    await audit.close();
    const lines = await at.linesIn();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("evil\\n");
    expect(lines[0]).toContain("\\u001b");
    expect(lines[0]).not.toMatch(/hunter2|xxxx/);
    expect(lines[0]?.length).toBeLessThan(2 * fixedBounds.auditTextMax + 300);
  });

  test("puts a full file aside and keeps a bounded number, with the chain whole over all of them", async () => {
    await using at = await stage();
    const audit = at.begin("one", { bytesMax: 2000 });
    for (let n = 0; n < 60; n += 1) {
      audit.record({ ev: "tool.call", target: `files/t${n}` });
      await audit.flush();
    }
    await audit.close();
    expect((await readdir(at.folder.path)).sort()).toEqual(["audit.1.log", "audit.2.log", "audit.log"]);
    for (const file of auditPaths(at.path, 3)) {
      expect((await stat(file)).size).toBeLessThan(2400);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    expect(await at.wrong()).toEqual([]);
    expect((await at.linesIn()).at(-1)).toContain("files/t59");
  });

  test("is written by two lives at once, also where one of them puts it aside", async () => {
    await using at = await stage();
    const [one, two] = [at.begin("one", { bytesMax: 3000 }), at.begin("two", { bytesMax: 3000 })];
    for (let n = 0; n < 15; n += 1) {
      one.record({ ev: "tool.call", target: `a/${n}` });
      await one.flush();
      two.record({ ev: "tool.call", target: `b/${n}` });
      await two.flush();
    }
    await Promise.all([one.close(), two.close()]);
    expect(await readdir(at.folder.path)).toContain("audit.1.log");
    expect(await at.wrong()).toEqual([]);
  });

  test("tells once that it cannot be written and that it can again, and loses nothing within its bound", async () => {
    await using at = await stage();
    await mkdir(at.path, { mode: 0o700 });
    const audit = at.begin("one");
    audit.record({ ev: "start" });
    await audit.flush();
    audit.record({ ev: "token.issued" });
    await at.clock.advance(defaultLimits.auditRetryMs);
    await audit.flush();
    expect([audit.isWritable, at.trouble.map((why) => why?.code)]).toEqual([false, ["STATE_BROKEN"]]);
    await rm(at.path, { recursive: true });
    await at.clock.advance(defaultLimits.auditRetryMs);
    await audit.flush();
    expect([audit.isWritable, at.trouble.length, at.trouble[1]]).toEqual([true, 2, null]);
    await audit.close();
    expect(await at.linesIn()).toHaveLength(2);
    expect(await at.wrong()).toEqual([]);
  });

  test("is refused where others could have read or changed it", async () => {
    await using at = await stage();
    await writeFile(at.path, "");
    await chmod(at.path, 0o644);
    const audit = at.begin("one");
    audit.record({ ev: "start" });
    await audit.close();
    expect(at.trouble.map((why) => why?.code)).toEqual(["STATE_UNSAFE"]);
    expect(await readFile(at.path, "utf8")).toBe("");
  });

  test("goes on behind half a line that a power cut left, which is told when it is looked at", async () => {
    await using at = await stage();
    await writeFile(at.path, '{"v":1,"t":"20', { mode: 0o600 });
    const audit = at.begin("one");
    audit.record({ ev: "start" });
    await audit.close();
    expect(await at.linesIn()).toHaveLength(2);
    expect(await at.wrong()).toEqual(["it is no line of an audit log, or a part of one"]);
  });

  test("counts what comes faster than it can be written", async () => {
    await using at = await stage();
    const audit = at.begin("one", { limits: { ...defaultLimits, auditQueueMax: 3 } });
    for (let n = 0; n < 10; n += 1) audit.record({ ev: "tool.call", target: `a/${n}` });
    await audit.close();
    const lines = (await at.linesIn()).map((line) => JSON.parse(line) as { ev: string; count?: number });
    expect(lines.map(({ ev }) => ev)).toEqual(["tool.call", "tool.call", "tool.call", "audit.lost"]);
    expect(lines.at(-1)?.count).toBe(7);
  });

  test("writes so many lines about one sender's same attempts in a moment, and counts the rest", async () => {
    await using at = await stage();
    const audit = at.begin("one");
    for (let n = 0; n < 1000; n += 1) audit.record({ ev: "auth.invalid", addr: "203.0.113.9", reason: "TOKEN_INVALID" });
    audit.record({ ev: "auth.invalid", addr: "203.0.113.10", reason: "TOKEN_INVALID" });
    await audit.close();
    const lines = (await at.linesIn()).map((line) => JSON.parse(line) as { addr: string; count?: number });
    expect(lines).toHaveLength(defaultLimits.auditSameMax + 1);
    expect(lines.reduce((sum, { addr, count = 1 }) => sum + (addr === "203.0.113.9" ? count : 0), 0)).toBe(1000);
    expect(lines.some(({ addr }) => addr === "203.0.113.10")).toBe(true);
  });

  test("does the same with one caller's calls of one tool that come to the same, so that nobody can push others out by calling", async () => {
    await using at = await stage();
    const audit = at.begin("one");
    const callOf = (n: number, more: object = {}): void => audit.record({ ev: "tool.call", grant: "g", target: "a/t", result: "ok", call: `one-${n}`, ...more });
    for (let n = 1; n <= 1000; n += 1) callOf(n);
    callOf(1001, { result: "tool_error" });
    callOf(1002, { grant: "h" });
    callOf(1003, { target: "a/u" });
    await audit.flush();
    callOf(1004);
    await audit.close();
    const lines = (await at.linesIn()).map((line) => JSON.parse(line) as { call: string; count?: number });
    const { auditSameMax } = defaultLimits;
    expect(lines.slice(0, auditSameMax).map(({ call, count }) => `${call} ${count ?? 1}`)).toEqual([...Array.from({ length: auditSameMax - 1 }, (_, n) => `one-${n + 1} 1`), `one-1000 ${1001 - auditSameMax}`]);
    expect(lines.slice(auditSameMax).map(({ call }) => call)).toEqual(["one-1001", "one-1002", "one-1003", "one-1004"]);
  });

  test("writes a line for each decision, so that nobody's stands behind another's in a count", async () => {
    await using at = await stage();
    const audit = at.begin("one");
    const many = 3 * defaultLimits.auditSameMax;
    // All behind one proxy, or on one unix socket.
    for (let n = 0; n < many; n += 1) {
      audit.record({ ev: "token.issued", addr: "unix", client: `c${n}`, grant: `g${n}`, route: "POST /token", result: "200" });
      audit.record({ ev: "authorize.approved", addr: "unix", client: `c${n}`, user: "operator", route: "POST /authorize" });
      audit.record({ ev: "authz.denied", addr: "unix", grant: `g${n}`, reason: "SCOPE_MISSING", route: "GET /health/mcp" });
      audit.record({ ev: "authz.stepup", addr: "unix", grant: "g", need: [`server:s${n}`], reason: "SCOPE_MISSING", route: "POST /mcp" });
    }
    await audit.close();
    const lines = await at.linesIn();
    expect(lines).toHaveLength(4 * many);
    expect(lines.filter((line) => line.includes('"count"'))).toEqual([]);
  });

  test("counts a stranger's refusals whatever path he makes up and whichever address of his network he comes from, and a caller's whatever names he tries", async () => {
    await using at = await stage();
    const audit = at.begin("one");
    const { auditSameMax } = defaultLimits;
    for (let n = 0; n < 500; n += 1) {
      audit.record({ ev: "auth.missing", addr: "203.0.113.9", client: `agent ${n}`, reason: "TOKEN_MISSING", route: `POST /mcp/made-up-${n}` });
      audit.record({ ev: "request.refused", addr: `2001:db8::${n.toString(16)}`, reason: "ORIGIN_REFUSED", route: "POST /mcp" });
      audit.record({ ev: "authz.denied", grant: "g", target: `made-up-${n}`, need: [], reason: "NAME_UNKNOWN" });
    }
    await audit.close();
    const lines = (await at.linesIn()).map((line) => JSON.parse(line) as { ev: string; count?: number });
    for (const ev of ["auth.missing", "request.refused", "authz.denied"]) {
      const own = lines.filter((line) => line.ev === ev);
      expect(own).toHaveLength(auditSameMax);
      expect(own.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(500);
    }
  });

  test("that keeps nothing takes everything", async () => {
    nullAudit.record({ ev: "start" });
    await nullAudit.flush();
    await nullAudit.close();
    expect(nullAudit.isWritable).toBe(true);
  });
});
