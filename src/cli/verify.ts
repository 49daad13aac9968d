/**
 * `version`, and `version --verify FILE`: whether this executable, and what lies beside the list of checksums of a
 * release, is what was released. It asks nobody: that the list itself is the maintainer's, its signature says.
 */
import { join, dirname, resolve } from "node:path";
import { escapeControls, fault, fixedBounds } from "../base/index.ts";
import type { Occasion, Run } from "./occasion.ts";
import { version } from "./version.ts";

/** Checksums by file name, as `sha256sum` writes them; null: the text is no such list. */
export function parseSums(text: string): ReadonlyMap<string, string> | null {
  const lines = text.split("\n").filter((line) => line !== "");
  // A name has no folder in it, so that a list reaches no further than where it lies.
  const rows = lines.map((line) => /^([\da-f]{64}) [ *]([\w+~-][\w.+~-]*)$/.exec(line));
  if (lines.length === 0 || rows.includes(null)) return null;
  const sums = new Map(rows.map((row) => [row?.[2] ?? "", row?.[1] ?? ""]));
  return sums.size === lines.length ? sums : null;
}

/** Prints the version. With --verify gives 0 if everything is what the list says, 1 if not. Throws USAGE. */
export const printVersion: Run = async (occasion) => {
  const { settings, stdout } = occasion;
  stdout.write(`${version}\n`);
  return settings.verify === null ? 0 : verify(occasion, resolve(settings.verify));
};

async function verify({ selfArgv: [executable = "", ...more], stdout, stderr }: Occasion, path: string): Promise<number> {
  if (more.length > 0) throw fault("USAGE", { detail: "this program runs from source, so there is no executable to verify" });
  const sums = await readSums(path);
  const own = await digestOf(executable);
  const name = [...sums].find(([, digest]) => digest === own)?.[0];
  if (name === undefined) stderr.write(`${escapeControls(`${executable} is none of ${path}: SHA-256 ${own}`)}\n`);
  else stdout.write(`${escapeControls(executable)} is ${name}\n`);
  const wrong = await besides(dirname(path), sums, stdout);
  stderr.write(wrong.join(""));
  return name === undefined || wrong.length > 0 ? 1 : 0;
}

/** Tells of each file that lies there as it was released; gives what is to be said of the others. */
async function besides(folder: string, sums: ReadonlyMap<string, string>, stdout: Occasion["stdout"]): Promise<string[]> {
  const wrong: string[] = [];
  for (const [file, digest] of sums) {
    const found = await digestOf(join(folder, file));
    if (found === digest) stdout.write(`${file} is as released\n`);
    else if (found !== null) wrong.push(`${file} is not as released: SHA-256 ${found}\n`);
  }
  return wrong;
}

async function readSums(path: string): Promise<ReadonlyMap<string, string>> {
  const file = Bun.file(path);
  const text = file.size <= fixedBounds.stateBytesMax ? await file.text().catch(() => "") : "";
  const sums = parseSums(text);
  if (sums === null) throw fault("USAGE", { detail: `${escapeControls(path)} is no list of SHA-256 checksums`, hint: "take SHA256SUMS of the release" });
  return sums;
}

/** The SHA-256 of a file; null: there is none that can be read. */
async function digestOf(path: string): Promise<string | null> {
  const hasher = new Bun.CryptoHasher("sha256");
  try {
    for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
    return hasher.digest("hex");
  } catch {
    return null;
  }
}
