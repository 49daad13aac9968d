import { expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { parseDocument } from "../../src/config/document.ts";
import { programIssues } from "../../src/config/programs.ts";
import { configIn, lines } from "../fixtures/config.ts";
import { createFolder, type Folder } from "../fixtures/folder.ts";

const text = (entry: object): string => JSON.stringify({ mcpServers: { one: entry } });

function found(entry: object, env: Record<string, string> = {}): string[] {
  const { document } = parseDocument(text(entry));
  if (document === null) throw new Error("no document");
  const issues = programIssues(configIn(text(entry), env).backends, document, env);
  for (const issue of issues) expect(issue.server).toBe("one");
  return lines(issues).map((line) => line.replace(/^1:\d+ /, ""));
}

async function withProgram(folder: Folder): Promise<void> {
  await mkdir(folder.at("bin"));
  await writeFile(folder.at("bin", "prog"), "#!/bin/sh\n");
  await chmod(folder.at("bin", "prog"), 0o755);
  await writeFile(folder.at("bin", "text"), "no program\n");
}

test("a program is found in PATH, the server's own before ours, or by its path", async () => {
  await using folder = await createFolder();
  await withProgram(folder);
  const PATH = folder.at("bin");
  expect(found({ command: "prog" }, { PATH })).toEqual([]);
  expect(found({ command: "prog", env: { PATH } }, { PATH: "/nowhere" })).toEqual([]);
  expect(found({ command: folder.at("bin", "prog") })).toEqual([]);
  expect(found({ command: "./prog", cwd: PATH })).toEqual([]);
  expect(found({ command: "bin/prog", cwd: folder.path })).toEqual([]);
});

test("what is not there is told with what to do", async () => {
  await using folder = await createFolder();
  await withProgram(folder);
  const PATH = folder.at("bin");
  expect(found({ command: "gone" }, { PATH })).toEqual(["“command” is no program that is found (it is looked for in PATH)"]);
  expect(found({ command: "text" }, { PATH })).toHaveLength(1);
  expect(found({ command: "prog" }, {})).toHaveLength(1);
  expect(found({ command: "prog", env: { PATH: "/nowhere" } }, { PATH })).toHaveLength(1);
  expect(found({ command: "prog -y thing" }, { PATH })).toEqual(["“command” is no program that is found (put what follows the program into args)"]);
  expect(found({ command: "~/prog" })).toEqual(["“command” is no program that is found (write ${HOME} for ~)"]);
  expect(found({ command: "bin/prog" })).toEqual(["“command” is no program that is found (write its whole path, or set cwd for a relative one)"]);
  expect(found({ command: "bin/gone", cwd: folder.path })).toEqual(["“command” is no program that is found (a relative path starts at cwd)"]);
});

test("a folder to start in must be one", async () => {
  await using folder = await createFolder();
  await withProgram(folder);
  expect(found({ command: "x", cwd: folder.at("bin", "prog") })).toEqual(["“cwd” is no folder that exists"]);
  expect(found({ command: "x", cwd: "~/x" })).toEqual(["“cwd” is no folder that exists (write ${HOME} for ~)"]);
});

test("servers that are off, put out or remote are not looked for", () => {
  expect(found({ command: "gone", disabled: true })).toEqual([]);
  expect(found({ command: "${NOT_SET}" })).toEqual([]);
  expect(found({ url: "http://x" })).toEqual([]);
});
