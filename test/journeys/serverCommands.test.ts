/** Servers at the command line of the real program, in a pipe and on a terminal, with a proxy that runs and real servers. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTerminal } from "../fixtures/onTerminal.ts";
import { cleanEnv, type Program, programArgv, projectDir, runProgram, startProgram, temporaryDir } from "../fixtures/program.ts";
import { sendModern } from "../fixtures/rpc.ts";

const raw = [process.execPath, join(projectDir, "test", "fixtures", "rawBackend.ts")];
const one = { mcpServers: { one: { command: raw[0], args: raw.slice(1) } } };
const start = '{\n  // mine\n  "mcpServers": {\n  }\n}\n';

const flagsOf = ({ dir, configPath }: Pick<Program, "dir" | "configPath">): string[] => ["--config", configPath, "--state-dir", join(dir, "state")];
const call = async ({ origin, token }: Program, name: string): Promise<string> => {
  const sent = await sendModern({ url: `${origin}/mcp`, token }, { method: "tools/call", name, params: `"name":"${name}","arguments":{}` });
  return sent.messages.at(-1) ?? "";
};
const pidOf = async (program: Program, server: string): Promise<string> => (JSON.parse(await call(program, `${server}__pid`)) as { result: { content: { text: string }[] } }).result.content[0]?.text ?? "";

describe("with a proxy that runs", () => {
  test("a server is added, called, and removed, and the command waits until that is so", async () => {
    await using program = await startProgram({ config: start });
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(program), ...argv]);
    const added = await run("mcp add one", "--tag", "t", "--", ...raw);
    expect([added.code, added.stderr]).toEqual([0, ""]);
    expect(added.stdout).toMatch(/^server “one” is added\n {2}file: .*\n {2}before: .*\n {2}server: {2}the running server has it\none is ready, with \d+ tools\n$/u);
    expect(await pidOf(program, "one")).toMatch(/^\d+$/u);
    expect((await run("mcp remove one")).code).toBe(0);
    expect(await call(program, "one__pid")).toContain('"code":-32602');
    expect(await readFile(program.configPath, "utf8")).toBe(start);
    expect((await run("mcp restart one")).code).toBe(4);
  });

  test("what does not reach a server's process leaves that alone, and what does begins another one", async () => {
    await using program = await startProgram({ config: one });
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(program), ...argv]);
    const pid = await pidOf(program, "one");
    expect((await run("mcp update one --tag u")).code).toBe(0);
    expect(await pidOf(program, "one")).toBe(pid);
    expect((await run("mcp update one -e NEW=1")).stdout).toContain("one is ready");
    const second = await pidOf(program, "one");
    expect(second).not.toBe(pid);
    expect(await run("mcp restart one")).toMatchObject({ code: 0, stdout: expect.stringContaining("one is ready") as string });
    const third = await pidOf(program, "one");
    expect(third).not.toBe(second);
    // Which a later change elsewhere in the file does not do once more.
    expect((await run("mcp add two", "--disabled", "--", ...raw)).stdout).toContain("two is switched off");
    expect(await pidOf(program, "one")).toBe(third);

  });

  test("tools are switched off and on, and so is the whole server", async () => {
    await using program = await startProgram({ config: one });
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(program), ...argv]);
    const pid = await pidOf(program, "one");
    expect((await run("mcp tools disable one pid")).code).toBe(0);
    expect(await call(program, "one__pid")).toContain('"code":-32602');
    expect((await run("mcp tools one")).stdout).toContain("one\tpid\t-\t“disabledTools” of “one” names it\n");
    expect((await run("mcp tools enable one pid")).code).toBe(0);
    expect(await run("mcp tools disable one pdi")).toMatchObject({ code: 0, stderr: "note: one has no tool “pdi” (did you mean “pid”?); `1mcp mcp tools one` lists them\n" });
    expect(await run("mcp tools enable one pdi")).toMatchObject({ code: 0, stderr: expect.stringContaining("has no tool “pdi”") as string });
    expect(await run("mcp tools deny one pd*")).toMatchObject({ code: 0, stderr: "" });
    expect((await run("mcp disable one")).code).toBe(0);
    expect(await call(program, "one__pid")).toContain("error");
    expect(await run("mcp restart one")).toMatchObject({ code: 1, stderr: expect.stringContaining("mcp enable one") as string });
    expect(await run("mcp enable one --json").then(({ code, stdout }) => [code, JSON.parse(stdout) as unknown])).toMatchObject([0, { written: true, server: "has it", state: { name: "one", state: "ready", healthy: true } }]);
    expect(await pidOf(program, "one")).not.toBe(pid);
    expect((await run("mcp status one")).stdout).toContain("one\tready\t");
  });

  test("one that does not come up is told with its last words, and its lines can be followed", async () => {
    await using program = await startProgram({ config: start });
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(program), ...argv]);
    const added = await run("mcp add bad", "--", process.execPath, "-e", 'console.error("there is no database"); process.exit(3)');
    expect(added.code).toBe(1);
    expect(added.stdout).toContain("bad does not come up (backing-off): ");
    expect(added.stdout).toContain("\n  | there is no database\n");
    expect((await run("mcp logs bad")).stdout).toMatch(/stderr there is no database\n/u);

    const child = Bun.spawn([...programArgv(), "mcp", "logs", "bad", "--follow", "-n", "1", ...flagsOf(program)], { env: cleanEnv(), stdout: "pipe", stderr: "ignore" });
    const reader = child.stdout.getReader();
    const decoder = new TextDecoder();
    let followed = "";
    const until = async (text: string): Promise<void> => {
      while (!followed.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`it ended:\n${followed}`);
        followed += decoder.decode(value, { stream: true });
      }
    };
    await until("\n");
    followed = "";
    expect((await run("mcp restart bad")).code).toBe(1);
    await until("there is no database");
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);

    // Nobody has to interrupt one whose reader has gone: the next line ends it.
    const alone = Bun.spawn([...programArgv(), "mcp", "logs", "bad", "--follow", "-n", "1", ...flagsOf(program)], { env: cleanEnv(), stdout: "pipe", stderr: "pipe" });
    const head = alone.stdout.getReader();
    await head.read();
    await head.cancel();
    expect((await run("mcp restart bad")).code).toBe(1);
    expect([await alone.exited, await new Response(alone.stderr).text()]).toEqual([0, ""]);

  });

  test("one whose entry cannot be used is out with the reason, and one that wants a login is told to be so", async () => {
    await using program = await startProgram({ config: start });
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(program), ...argv]);
    // A variable that nobody set puts out that server alone.
    const missing = await run("mcp add needy -e ONE_MCP_TEST_NOBODY_SETS_THIS", "--", ...raw);
    expect([missing.code, missing.stdout.includes("needy is out: "), missing.stdout.includes("ONE_MCP_TEST_NOBODY_SETS_THIS")]).toEqual([1, true, true]);
    expect((await run("mcp add login", "--url", `${program.origin}/mcp`)).code).toBe(3);
  });

  test("the demonstration gives way to the file that the first command makes", async () => {
    await using program = await startProgram();
    const env = { HOME: program.dir, XDG_CONFIG_HOME: join(program.dir, "config") };
    const added = await runProgram(["mcp", "add", "one", "--state-dir", join(program.dir, "state"), "--", ...raw], { env });
    expect([added.code, added.stdout.includes("one is ready")]).toEqual([0, true]);
    expect(await call(program, "one__raw")).toContain("result");
    expect((await stat(join(program.dir, "config", "1mcp", "mcp.json"))).mode & 0o777).toBe(0o600);
  });
});

describe("without one", () => {
  test("the file is edited all the same; copies are put back; nothing is left beside it but those", async () => {
    await using dir = await temporaryDir();
    const at = { dir: dir.path, configPath: join(dir.path, "mcp.json") };
    const run = (command: string, ...argv: string[]) => runProgram([...command.split(" "), ...flagsOf(at), ...argv]);
    expect((await run("mcp list")).code).toBe(78);
    expect((await run("mcp add one", "--", "x")).code).toBe(0);
    const first = await readFile(at.configPath, "utf8");
    expect((await run("mcp add one", "--", "x")).code).toBe(2);
    expect((await run("mcp disable one")).code).toBe(0);
    expect((await run("config diff")).code).toBe(1);
    expect((await run("config restore")).code).toBe(0);
    expect([await readFile(at.configPath, "utf8"), (await run("config backups")).stdout.split("\n").length]).toEqual([first, 4]);
    expect((await readdir(dir.path)).filter((name) => !/^mcp\.json(\.backup\.\d+)?$/u.test(name))).toEqual([]);
    for (const command of ["mcp tools one", "mcp restart one", "mcp logs one"]) expect(await run(command)).toMatchObject({ code: 1, stderr: expect.stringContaining("no 1mcp server can be reached") as string });
    expect((await run("mcp status one")).code).toBe(3);
    expect((await run("mcp enable on")).code).toBe(4);
  });

  test("many who write at once lose nothing of each other", async () => {
    await using dir = await temporaryDir();
    const at = { dir: dir.path, configPath: join(dir.path, "mcp.json") };
    await Promise.all(Array.from({ length: 6 }, (_, number) => runProgram(["mcp", "add", `s${number}`, ...flagsOf(at), "--", "x"])));
    const { stdout } = await runProgram(["mcp", "list", "--json", ...flagsOf(at)]);
    expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort()).toEqual(["s0", "s1", "s2", "s3", "s4", "s5"]);
  });
});

// Windows has no terminal of this kind.
describe.skipIf(process.platform === "win32")("on a terminal", () => {
  test("lists are columns; removing asks first; an editor is opened there, and one goes back to it or not", async () => {
    await using dir = await temporaryDir();
    const at = { dir: dir.path, configPath: join(dir.path, "mcp.json") };
    const flags = flagsOf(at);
    expect((await onTerminal(["mcp", "add", "one", ...flags, "--", "x", "y"])).text).toContain("server “one” is added\r\n");
    expect((await onTerminal(["mcp", "list", ...flags])).text).toMatch(/SERVER {2}IS {2}TYPE {3}TAGS {2}TARGET\r\none {5}on {2}stdio {2}- {5}x y\r\n/u);
    const kept = await onTerminal(["mcp", "remove", "one", ...flags], [["[y/N] ", "\r"]]);
    expect([kept.code, kept.text.includes("nothing is changed")]).toEqual([1, true]);

    const editor = join(dir.path, "editor.sh");
    await writeFile(editor, `[ -t 0 ] && [ -t 1 ] && echo here >> ${editor}.runs; if [ $(wc -l < ${editor}.runs) = 2 ]; then echo '{ "pageSize": 7 }' > "$1"; else echo '{' > "$1"; fi\n`);
    const env = { EDITOR: `sh ${editor}`, VISUAL: "" };
    const mended = await onTerminal(["config", "edit", ...flags], [["[Y/n] ", "\r"]], { env });
    expect([mended.code, mended.text.includes("mcp.json:2:"), mended.text.includes("the configuration is changed")]).toEqual([0, true, true]);
    const left = await onTerminal(["config", "edit", ...flags], [["[Y/n] ", "n\r"]], { env });
    expect([left.code, await readFile(at.configPath, "utf8"), existsSync(`${editor}.runs`)]).toEqual([0, '{ "pageSize": 7 }\n', true]);

    await writeFile(at.configPath, '{ "mcpServers": { "one": { "command": "x" } } }');
    expect((await onTerminal(["mcp", "remove", "one", ...flags], [["[y/N] ", "y\r"]])).code).toBe(0);
    expect(await readFile(at.configPath, "utf8")).not.toContain("one");
  });
});
