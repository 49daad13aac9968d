/** Reads the repository for the rules: what git would keep, read once a test file. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "./rules/rule.ts";

/** The top of the repository. */
export const top = join(import.meta.dir, "..", "..");

const folders: readonly string[] = Object.freeze(["src", "test", "release", "docs", ".ci", ".github"]);
const papers: readonly string[] = Object.freeze([".gitignore", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "build.ts", "bunfig.toml", "package.json", "tsconfig.json", "bun.lock"]);

/** All texts of the repository; a paper that is missing is left out. */
export async function readTree(): Promise<Files> {
  const below = await Promise.all(folders.map(async (folder) => (await readdir(join(top, folder), { recursive: true, withFileTypes: true }).catch(noFolder)).filter((entry) => entry.isFile())));
  const paths = below.flat().map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1));
  const texts = await Promise.all([...paths, ...papers].map(async (path) => [path, await readFile(join(top, path), "utf8").catch(() => null)] as const));
  return new Map(texts.flatMap(([path, text]) => (text === null ? [] : [[path, text] as const])));
}

/** What lies at the top. */
export const readTop = (): Promise<string[]> => readdir(top);

const noFolder = (): [] => [];
