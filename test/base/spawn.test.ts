import { expect, test } from "bun:test";
import { open, readFile, writeFile } from "node:fs/promises";
import { askTool, outputOf, runEditor, runTool, startSelf } from "../../src/base/spawn.ts";
import { createFolder } from "../fixtures/folder.ts";

test("what is started once more has a session and a folder of its own, takes lines, and carries nobody's mark", async () => {
  await using folder = await createFolder();
  const stderrPath = folder.at("log");
  await using log = await open(stderrPath, "w");
  const script = 'read line; ps -o sess= -p $$ >&2; echo "$line in $(pwd) with $KEPT and ${ONE_MCP_LIFE-none}" >&2';
  const child = startSelf({ argv: ["sh", "-c", script], cwd: "/", env: { PATH: process.env["PATH"], KEPT: "this", ONE_MCP_LIFE: "abc.1" }, stdin: "pipe", stderr: log.fd });
  child.stdin.write("a line\n");
  child.stdin.end();
  expect(await child.exited).toBe(0);
  expect((await readFile(stderrPath, "utf8")).trim().split("\n").map((line) => line.trim())).toEqual([String(child.pid), "a line in / with this and none"]);
});

test("what nobody hears may talk", async () => {
  const child = startSelf({ argv: ["sh", "-c", "echo one; echo two >&2; read line; exit 3"], cwd: "/", env: process.env, stdin: "ignore", stderr: null });
  expect(await child.exited).toBe(3);
});

test("what cannot be started throws at once", () => {
  expect(() => startSelf({ argv: ["/nowhere/program"], cwd: "/", env: {}, stdin: "ignore", stderr: null })).toThrow("ENOENT");
});

test("a tool's answer is what it says on stdout; one that is missing is told", async () => {
  expect(await outputOf(["sh", "-c", "echo out; echo err >&2; exit 1"])).toBe("out\n");
  await expect(outputOf(["/nowhere/tool"])).rejects.toThrow("ENOENT");
});

test("a tool that is asked has so long, and may say so much", async () => {
  const ask = (script: string) => askTool({ argv: ["sh", "-c", script], env: { PATH: process.env["PATH"] ?? "", GIVEN: "it" }, msMax: 200, bytesMax: 1000 });
  expect(await ask('printf "$GIVEN"; echo "${HOME-none}" >&2; exit 3')).toEqual({ kind: "ended", code: 3, output: "it", said: "none\n" });
  expect(await ask("sleep 60")).toEqual({ kind: "late" });
  expect(await ask("sleep 1 & wait")).toEqual({ kind: "late" });
  expect(await ask("yes")).toEqual({ kind: "large" });
  await expect(askTool({ argv: ["/nowhere/tool"], env: {}, msMax: 200, bytesMax: 1000 })).rejects.toThrow("ENOENT");
});

test("a tool that shows nothing gives its exit code, and gets its words as they are", async () => {
  expect(await runTool(["sh", "-c", '[ "$1" = "a b;c" ] && exit 4', "sh", "a b;c"], { PATH: process.env["PATH"] })).toBe(4);
  await expect(runTool(["/nowhere/tool"], {})).rejects.toThrow("ENOENT");
});

test("a successor has a session of its own, keeps the mark of whose child we are, and speaks where we spoke", async () => {
  const script = `import { startSuccessor } from ${JSON.stringify(Bun.resolveSync("../../src/base/spawn.ts", import.meta.dir))};
    const child = startSuccessor({ argv: ["sh", "-c", 'echo "$ONE_MCP_LIFE $(ps -o sess= -p $$) $$" >&2'], cwd: "/", env: { PATH: process.env.PATH, ONE_MCP_LIFE: "abc.1" } });
    await child.exited;`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "pipe" });
  const [mark, session, pid] = (await child.stderr.text()).trim().split(/\s+/u);
  expect(mark).toBe("abc.1");
  expect(session).toBe(pid);
});

test.skipIf(process.platform === "win32")("an editor gets the file behind its own arguments, whatever the file is called", async () => {
  await using folder = await createFolder();
  const [path, script] = [folder.at("a 'file' of $ours"), folder.at("editor.sh")];
  await writeFile(script, 'echo "$1" > "$2"; exit 5');
  expect(await runEditor(`sh ${script} "two words"`, path, { PATH: process.env["PATH"] })).toBe(5);
  expect(await readFile(path, "utf8")).toBe("two words\n");
});
