import { expect, test } from "bun:test";
import { isLoader } from "../../src/config/loaders.ts";
import { configIn, read } from "../fixtures/config.ts";

test("what loads code into a program, or steers its runtime, is known by name in any case", () => {
  for (const name of ["LD_PRELOAD", "ld_library_path", "DYLD_INSERT_LIBRARIES", "NODE_OPTIONS", "BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT_PRELOAD", "BASH_ENV", "JAVA_TOOL_OPTIONS"]) expect(isLoader(name)).toBe(true);
  for (const name of ["PATH", "BUN_INSTALL", "NODE_ENV", "MY_LD_PATH", "LD", "PYTHONPATH"]) expect(isLoader(name)).toBe(false);
});

test("a server that declares one is put out, unless its entry says that it means it; from the defaults too", () => {
  const entry = { command: "x", env: { NODE_OPTIONS: "--require ./evil.js" } };
  const loaded = read({ mcpServers: { a: entry, b: { ...entry, unsafeEnv: true }, c: { command: "x" } } });
  if (!loaded.ok) throw new Error("refused");
  expect(loaded.config.backends.map(({ issue }) => issue?.message ?? null)).toEqual(["“NODE_OPTIONS” loads code into a program or steers its runtime", null, null]);
  expect(loaded.warnings[0]).toMatchObject({ server: "a", hint: "remove it, or set unsafeEnv for this server", line: 6 });
  const { backends } = configIn({ serverDefaults: { env: ["LD_PRELOAD=evil.so"] }, mcpServers: { a: { command: "x" }, b: { command: "x", env: { LD_PRELOAD: "mine.so" }, unsafeEnv: true } } });
  expect(backends.map(({ issue }) => issue === null)).toEqual([false, true]);
});
