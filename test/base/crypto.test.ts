import { expect, test } from "bun:test";
import { join } from "node:path";
import { nodeCrypto, randomBytes } from "../../src/base/index.ts";
import { projectDir } from "../fixtures/program.ts";

test("random bytes are as many as asked for, and others each time", () => {
  expect([0, 1, 32, 70].map((count) => randomBytes(count).length)).toEqual([0, 1, 32, 70]);
  expect(new Set(Array.from({ length: 100 }, () => randomBytes(16).toString("hex"))).size).toBe(100);
});

test("ciphers are the runtime's own", () => expect(nodeCrypto().createHash("sha256").update("a").digest("hex")).toBe(Bun.SHA256.hash("a", "hex")));

// The demonstration, which is a process of its own.
const apart = ["src/cli/demo.ts", "src/cli/picture.ts"];

test("no start pays for modules of the runtime that bring its streams along", async () => {
  const costly = /^import (?!type )[^;]* from "node:(?:crypto|util|stream|events|https?|net|tls|zlib)";/mu;
  const found: string[] = [];
  for await (const path of new Bun.Glob("src/**/*.ts").scan(projectDir)) if (!apart.includes(path) && costly.test(await Bun.file(join(projectDir, path)).text())) found.push(path);
  expect(found).toEqual([]);
});
