import { describe, expect, test } from "bun:test";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { type Pipes, run } from "../../src/cli/index.ts";
import { keptOutput } from "../fixtures/cli.ts";
import { createFolder } from "../fixtures/folder.ts";

const original = '{\n  "pageSize": 1 // few\n}\n';

async function given(text: string | null = original) {
  const folder = await createFolder();
  const path = folder.at("mcp.json");
  if (text !== null) await writeFile(path, text, { mode: 0o600 });
  /** Edits with a shell script as the editor; `answers` are typed on the terminal. */
  const edit = async (script: string, answers: string | null = null, ...argv: string[]) => {
    await writeFile(folder.at("editor.sh"), script);
    const [stdout, stderr] = [keptOutput(answers !== null), keptOutput()];
    // One and the same, as a program has it.
    const input = new Blob([answers ?? ""]).stream();
    const pipes = (): Pipes => ({ input, output: stdout as never, typist: () => Promise.resolve({ echo: () => undefined }) });
    const env = { PATH: process.env["PATH"], AT: path, EDITOR: `sh ${folder.at("editor.sh")} an-argument`, COUNT: folder.at("count") };
    const code = await run({ argv: ["config", "edit", ...argv, "--config", path, "--state-dir", folder.at("state")], env, stdout, stderr, signals: process, pipes, clock: null, selfArgv: [] });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
  return { folder, path, edit, now: () => readFile(path, "utf8"), drafts: () => readdir(folder.at("state")), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

// Not every sed edits a file in its place.
const substituting = (expression: string): string => `text=$(sed '${expression}' "$2"); printf '%s\\n' "$text" > "$2"`;

// Windows has no such shell.
describe.skipIf(process.platform === "win32")("config edit", () => {
  test("puts what the editor left in place once it has been checked, and leaves no draft", async () => {
    await using at = await given();
    const { code, stdout, stderr } = await at.edit(substituting("s/1/2/"));
    expect([code, stdout.startsWith("the configuration is changed\n"), stderr, await at.now(), await at.drafts()]).toEqual([0, true, "", original.replace("1", "2"), []]);
    expect((await at.edit(substituting("s/2/3/"), null, "--dry-run")).stdout).toBe('@@ line 2 @@\n-  "pageSize": 2 // few\n+  "pageSize": 3 // few\n');
    expect((await at.edit("true")).stdout).toBe("nothing is changed\n");
  });

  test("makes the file where there is none", async () => {
    await using at = await given(null);
    expect((await at.edit("true")).stdout).toBe("nothing is changed\n");
    expect((await at.edit(`echo '{}' > "$2"`)).code).toBe(0);
    expect(await at.now()).toBe("{}\n");
  });

  test("in a pipe refuses what cannot be used, with its place", async () => {
    await using at = await given();
    expect(await at.edit(`echo '{ "pagesize": 1 }' > "$2"`)).toMatchObject({ code: 78, stderr: expect.stringContaining("mcp.json:1:3:") as string });
    expect([await at.now(), await at.drafts()]).toEqual([original, []]);
  });

  test("on a terminal offers to go back as often as there are mistakes", async () => {
    await using at = await given();
    const mending = `echo x >> "$COUNT"; if [ $(wc -l < "$COUNT") -lt 4 ]; then echo '{' > "$2"; else echo '{ "pageSize": 9 }' > "$2"; fi`;
    const mended = await at.edit(mending, "y\n\nY\n");
    expect([mended.code, mended.stdout.split("Go back to the editor? [Y/n] ").length - 1, await at.now(), await at.drafts()]).toEqual([0, 3, '{ "pageSize": 9 }\n', []]);
  });

  test("on a terminal offers to go back, or to leave everything as it was", async () => {
    await using at = await given();
    const mending = `echo x >> "$COUNT"; if [ $(wc -l < "$COUNT") = 1 ]; then echo '{' > "$2"; else echo '{ "pageSize": 9 }' > "$2"; fi`;
    const mended = await at.edit(mending, "y\n");
    expect([mended.code, mended.stdout.includes("Go back to the editor? [Y/n] "), await at.now()]).toEqual([0, true, '{ "pageSize": 9 }\n']);
    const left = await at.edit(`echo '{' > "$2"`, "n\n");
    expect([left.code, left.stdout.endsWith("nothing is changed\n"), await at.now()]).toEqual([0, true, '{ "pageSize": 9 }\n']);
  });

  test("writes over nobody's change, and does nothing where the editor fails", async () => {
    await using at = await given();
    expect(await at.edit(`echo '{}' > "$2"; echo '{ "pageSize": 5 }' > "$AT"`)).toMatchObject({ code: 1, stderr: expect.stringContaining("somebody else has changed the file meanwhile") as string });
    expect(await at.now()).toBe('{ "pageSize": 5 }\n');
    expect(await at.drafts()).toHaveLength(1);
    expect(await at.edit("exit 3")).toMatchObject({ code: 1, stderr: expect.stringContaining("the editor ended with 3") as string });
    expect(await at.edit('rm "$2"')).toMatchObject({ code: 1, stderr: expect.stringContaining("the editor left no file that can be read") as string });
    expect(await at.drafts()).toHaveLength(1);
  });

  test("keeps what was written where it cannot be put in place, and says where", async () => {
    await using at = await given();
    const { stderr } = await at.edit(`echo '{ "pageSize": 7 }' > "$2"; echo '{ "pageSize": 5 }' > "$AT"`);
    const draft = /what you wrote is kept in (\S+)/.exec(stderr)?.[1] ?? "";
    expect([await readFile(draft, "utf8"), (await stat(draft)).mode & 0o777]).toEqual(['{ "pageSize": 7 }\n', 0o600]);
  });
});
