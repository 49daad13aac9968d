import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adoptOwnToken, ensureOwnToken, ownToken, ownTokenPath, replaceOwnToken } from "../../src/auth/ownToken.ts";
import { nullLog } from "../../src/base/index.ts";

let stateDir: string;
beforeEach(async () => {
  stateDir = join(await mkdtemp(join(tmpdir(), "own-")), "state");
});
afterEach(() => rm(join(stateDir, ".."), { recursive: true, force: true }));

test("it is made once, for all that start at once, and stays until it is replaced", async () => {
  expect(await ownToken(stateDir)).toBeNull();
  const tokens = await Promise.all(Array.from({ length: 8 }, () => ensureOwnToken(stateDir, randomBytes, nullLog)));
  expect(new Set(tokens).size).toBe(1);
  expect(await readFile(ownTokenPath(stateDir), "utf8")).toBe(`${tokens[0]}\n`);
  await replaceOwnToken(stateDir, `1mcp_${"b".repeat(49)}`);
  expect(await ensureOwnToken(stateDir, randomBytes, nullLog)).toBe(`1mcp_${"b".repeat(49)}`);
});

test("one of before there were checksums stays valid, and what is none is reported", async () => {
  await mkdir(stateDir, { mode: 0o700 });
  await writeFile(ownTokenPath(stateDir), `1mcp_${"a".repeat(43)}\n`, { mode: 0o600 });
  expect(await ownToken(stateDir)).toBe(`1mcp_${"a".repeat(43)}`);
  await writeFile(ownTokenPath(stateDir), "1mcp_short");
  await expect(ownToken(stateDir)).rejects.toThrow("holds no token");
});

test("one that is given in a file takes the place of the one that was made, and what is none is refused", async () => {
  await ensureOwnToken(stateDir, randomBytes, nullLog);
  const given = join(stateDir, "..", "given");
  await writeFile(given, `1mcp_${"c".repeat(49)}\n`);
  expect(await adoptOwnToken(stateDir, given)).toBe(`1mcp_${"c".repeat(49)}`);
  expect([await ownToken(stateDir), await adoptOwnToken(stateDir, given)]).toEqual([`1mcp_${"c".repeat(49)}`, `1mcp_${"c".repeat(49)}`]);
  await writeFile(given, "hunter2");
  await expect(adoptOwnToken(stateDir, given)).rejects.toThrow("holds no token");
  await expect(adoptOwnToken(stateDir, `${given}2`)).rejects.toThrow("cannot be read");
});
