import { expect, test } from "bun:test";
import type { StdioSpec } from "../../src/config/index.ts";
import { issuesIn, lines, serverIn } from "../fixtures/config.ts";

const sandboxIn = (sandbox?: unknown, variables?: Record<string, string>) => (serverIn({ command: "x", ...(sandbox === undefined ? {} : { sandbox }) }, variables) as StdioSpec).sandbox;

test("without a word a program is confined a little, and one word says how far otherwise", () => {
  expect(sandboxIn()).toMatchObject({ level: "basic", required: false, bounds: { memoryBytes: null, openFiles: 65_536 } });
  for (const level of ["off", "basic", "fs", "strict"] as const) expect(sandboxIn(level).level).toBe(level);
});

test("bounds and folders are set one by one; folders start at the configuration's and may hold variables", () => {
  expect(sandboxIn({ level: "fs", required: true, read: ["data", "${D}/x"], write: ["/var/x"], memoryMb: 512, cpuSeconds: 9, processes: 50, openFiles: 100, fileMb: 1 }, { D: "/srv" })).toEqual({
    level: "fs",
    required: true,
    read: ["/etc/1mcp/data", "/srv/x"],
    write: ["/var/x"],
    bounds: { memoryBytes: 512 * 2 ** 20, cpuSeconds: 9, processes: 50, openFiles: 100, fileBytes: 2 ** 20 },
  });
  expect(serverIn({ command: "x", sandbox: { level: "fs", read: ["${NONE}"] } }).issue?.message).toBe("“read” needs the variable NONE, which is not set");
});

test("a word that is no level, and a bound that is none, are refused", () => {
  const found = (sandbox: unknown) => lines(issuesIn({ mcpServers: { a: { command: "x", sandbox } } })).map((line) => line.replace(/^\S+ /, ""));
  expect(found("none")[0]).toContain("“sandbox” must be “off” or “basic” or “fs” or “strict”");
  expect(found({ memoryMb: 0 })[0]).toContain("“memoryMb” must be a whole number");
  expect(found({ bwrap: [] })[0]).toContain("“bwrap” is not a known key");
});
