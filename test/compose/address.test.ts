/** Who gets to see the token of the state folder, and how a selection goes into an address. */
import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { narrowedUrl, tokenFor } from "../../src/compose/address.ts";
import { temporaryDir } from "../fixtures/program.ts";

test("the token of the state folder goes to this machine's proxy, and to no other address; one that was given goes wherever it was told", async () => {
  await using dir = await temporaryDir();
  const stateDir = join(dir.path, "state");
  await mkdir(stateDir, { mode: 0o700 });
  const own = `1mcp_${"a".repeat(43)}`;
  await writeFile(join(stateDir, "token"), `${own}\n`, { mode: 0o600 });
  const tokenAt = (url: string, token: string | null = null): Promise<string | null> => tokenFor(url, { url, token, stateDir });
  for (const host of ["localhost:1", "127.0.0.1:1", "127.9.9.9", "[::1]:1"]) expect(await tokenAt(`http://${host}/mcp`)).toBe(own);
  for (const url of ["http://127.0.0.1.example/mcp", "http://localhost.example/mcp", "https://example.com/mcp", "http://127.0.0.1@example.com/", "http://[::2]/", "no address"]) expect(await tokenAt(url)).toBeNull();
  expect(await tokenAt("https://example.com/mcp", "given")).toBe("given");
  // What was found by itself is this machine's, wherever it listens.
  expect(await tokenFor("http://192.0.2.1:3050/mcp", { url: null, token: null, stateDir })).toBe(own);
  expect(await tokenFor("http://127.0.0.1/mcp", { url: null, token: null, stateDir: join(dir.path, "none") })).toBeNull();
});

test("a selection is added to what an address asks for already", () => {
  expect(narrowedUrl("http://h/mcp", null)).toBe("http://h/mcp");
  expect(narrowedUrl("http://h/mcp", "a and b")).toBe("http://h/mcp?filter=a+and+b");
  expect(narrowedUrl("http://h/mcp?filter=c", "a")).toBe("http://h/mcp?filter=c&filter=a");
  expect(narrowedUrl("no address", "a")).toBe("no address");
});
