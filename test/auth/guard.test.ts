import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { createOpenGuard, createTokenGuard, type Guard, ownToken } from "../../src/auth/index.ts";
import { createLog, Fault, nullLog } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

let folder: string;
let stateDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "guard-"));
  stateDir = join(folder, "state");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (): Promise<Guard> => createTokenGuard({ stateDir, log: nullLog });
const tokenText = async (): Promise<string> => (await readFile(join(stateDir, "token"), "utf8")).trim();
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "no fault", (error: unknown) => (error instanceof Fault ? error.code : error));

describe("the token", () => {
  test("is made at the first start, long, random and readable by its owner alone", async () => {
    const guard = await open();
    expect(guard.tokenPath).toBe(join(stateDir, "token"));
    expect(await tokenText()).toMatch(/^1mcp_[0-9A-Za-z]{49}$/);
    expect((await stat(join(stateDir, "token"))).mode & 0o777).toBe(0o600);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
    expect(new Set((await tokenText()).slice(5)).size).toBeGreaterThan(15);
  });

  test("stays the same over restarts, and so does the principal", async () => {
    const first = await open();
    const header = `Bearer ${await tokenText()}`;
    const second = await open();
    expect(second.principalOf(header)).toEqual(first.principalOf(header));
    expect(second.principalOf(header).ok).toBe(true);
  });

  test("is one for all that start at once", async () => {
    const guards = await Promise.all(Array.from({ length: 8 }, open));
    const header = `Bearer ${await tokenText()}`;
    expect(guards.map((guard) => guard.principalOf(header).ok)).toEqual(guards.map(() => true));
  });

  test("is never logged, its place is", async () => {
    const lines: string[] = [];
    const log = createLog({ level: "debug", pretty: false, clock: createTestClock(), write: (line) => lines.push(line) });
    await createTokenGuard({ stateDir, log });
    await createTokenGuard({ stateDir, log });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(join(stateDir, "token"));
    expect(lines[0]).not.toContain(await tokenText());
  });

  test("does not name its principal", async () => {
    const guard = await open();
    const token = await tokenText();
    const verdict = guard.principalOf(`Bearer ${token}`);
    if (!verdict.ok) throw new Error("refused");
    expect(verdict.principal).toEqual({ id: expect.stringMatching(/^token-[0-9a-f]{16}$/), scopes: null });
    expect(new Bun.CryptoHasher("sha256").update(token).digest("hex")).not.toContain(verdict.principal.id.slice(6));
  });

  test("that others could have read is refused", async () => {
    await open();
    await chmod(join(stateDir, "token"), 0o644);
    expect(await codeOf(open())).toBe("STATE_UNSAFE");
  });

  test("in a folder that others can enter is refused", async () => {
    await open();
    await chmod(stateDir, 0o755);
    expect(await codeOf(open())).toBe("STATE_UNSAFE");
  });

  test("that is none is reported, not replaced", async () => {
    await open();
    await writeFile(join(stateDir, "token"), "short");
    expect(await codeOf(open())).toBe("STATE_BROKEN");
    expect(await tokenText()).toBe("short");
  });
});

describe("a request", () => {
  test("with the token is let in, however the scheme is spelt", async () => {
    const guard = await open();
    const token = await tokenText();
    for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER  ${token} `]) expect(guard.principalOf(header).ok).toBe(true);
  });

  test.each([null, "", "Basic b3BlcmF0b3I6eA==", "Digest x"])("without a bearer token (%p) is told which scheme to use, and no error", async (header) => {
    const guard = await open();
    expect(guard.principalOf(header)).toEqual({ ok: false, code: "TOKEN_MISSING", challenge: 'Bearer realm="1mcp"' });
  });

  test.each(["Bearer", "Bearer ", "Bearer a b", "Bearer x", `Bearer 1mcp_${"a".repeat(49)}`, `Bearer ${"a".repeat(100_000)}`, "Bearer \u0000"])(
    "with a wrong token is told so",
    async (header) => {
      const guard = await open();
      const verdict = guard.principalOf(header);
      expect(verdict).toMatchObject({ ok: false, code: "TOKEN_INVALID" });
      if (!verdict.ok) expect(verdict.challenge).toMatch(/^Bearer realm="1mcp", error="invalid_token", error_description="[^"]+"$/);
    },
  );

  test("with anything but the very token is not let in", async () => {
    const guard = await open();
    const token = await tokenText();
    const near = fc.nat(token.length - 1).chain((at) => fc.string({ maxLength: 3 }).map((text) => token.slice(0, at) + text + token.slice(at + 1)));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (given) => {
        fc.pre(given.trim() !== token);
        expect(guard.principalOf(`Bearer ${given}`).ok).toBe(false);
      }),
    );
    expect(guard.principalOf(`Bearer ${token.slice(0, -1)}`).ok).toBe(false);
    expect(guard.principalOf(`Bearer ${token}x`).ok).toBe(false);
  });

  test("after a refused one is judged on its own", async () => {
    const guard = await open();
    const header = `Bearer ${await tokenText()}`;
    expect([header, "Bearer x", header, null, header].map((each) => guard.principalOf(each).ok)).toEqual([true, false, true, false, true]);
  });
});

test("the open guard lets everybody in as the operator", () => {
  const guard = createOpenGuard();
  expect(guard.tokenPath).toBeNull();
  for (const header of [null, "Bearer anything"]) expect(guard.principalOf(header)).toEqual({ ok: true, principal: { id: "operator", scopes: null } });
});

test("a program of the same user reads the token that lets it in, and finds none before the first start", async () => {
  expect(await ownToken(stateDir)).toBeNull();
  const guard = await open();
  expect(guard.principalOf(`Bearer ${await ownToken(stateDir)}`)).toMatchObject({ ok: true });
  await chmod(join(stateDir, "token"), 0o644);
  expect(await codeOf(ownToken(stateDir))).toBe("STATE_UNSAFE");
});
