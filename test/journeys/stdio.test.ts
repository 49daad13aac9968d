/** Clients that start the program and talk to its pipes: by themselves with `serve --stdio`, or through `proxy` to a server that comes and goes. */
import { describe, expect, test } from "bun:test";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gone, isAlive } from "../fixtures/alive.ts";
import type { Answers, AnyClient } from "../fixtures/clients.ts";
import { connectPiped, type Line, type Mode, modes, type Piped, type Place, placeOf, proxyArgs, serving, startPiped } from "../fixtures/piped.ts";
import { cleanEnv, programArgv, projectDir } from "../fixtures/program.ts";
import { envelope, sendModern } from "../fixtures/rpc.ts";

const backend = { command: process.execPath, args: [join(projectDir, "test", "fixtures", "rawBackend.ts"), "modern"] };
const [command = "", ...first] = programArgv();
const demo = { command, args: [...first, "demo"] };

const modern = (id: string, method: string, params = "", meta = ""): string => `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params === "" ? "" : `${params},`}${envelope(meta)}}}`;
const call = (id: string, name: string, args = "{}", meta = ""): string => modern(id, "tools/call", `"name":"${name}","arguments":${args}`, meta);
const shake = (id: string): string => `{"jsonrpc":"2.0","id":${id},"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}`;
const cancel = (id: string): string => `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`;
const textOf = (message: Line): string => message.result?.content?.[0]?.text ?? JSON.stringify(message);
const codeOf = (message: Line): string => message.error?.data?.code ?? JSON.stringify(message);
const tagKey = "io.modelcontextprotocol/subscriptionId";

/** Everything the demonstration can do without being asked back, through any client. */
async function journey(client: AnyClient): Promise<void> {
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain("demo__echo");
  const echoed = await client.callTool({ name: "demo__echo", arguments: { text: "hello\nworld ü" } });
  expect(echoed.content).toEqual([{ type: "text", text: "hello\nworld ü" }]);
  const seen: number[] = [];
  await client.callTool({ name: "demo__steps", arguments: { steps: 3 } }, { onprogress: ({ progress }) => void seen.push(progress) });
  // The clients forget their listener with the answer, before they have looked at a notice that came in the same chunk.
  expect([[1, 2], [1, 2, 3]]).toContainEqual(seen);
  expect((await client.readResource({ uri: "demo://welcome" })).contents[0]?.text).toContain("Welcome");
  expect((await client.getPrompt({ name: "demo__tour" })).messages).toHaveLength(1);
  expect((await client.complete({ ref: { type: "ref/prompt", name: "demo__explain" }, argument: { name: "style", value: "b" } })).completion.values).toEqual(["brief"]);
}

/** Every kind of question, from a backend of either era, in the middle of calls that run at the same time. */
async function questions(mode: Mode, args: readonly string[], place: Place): Promise<void> {
  const asked: string[] = [];
  const answers: Answers = {
    elicitation: ({ message, mode: how }) => {
      asked.push(message);
      return how === "url" ? { action: "accept" } : { action: "accept", content: { name: "Ada", size: "s", next: true } };
    },
    sampling: () => ({ role: "assistant", model: "m", content: { type: "text", text: "it" } }),
    roots: () => ({ roots: [{ uri: "file:///work" }] }),
  };
  await using client = await connectPiped(mode, args, place, answers);
  for (const server of ["older", "newer"]) {
    const answered = await Promise.all(["ask_form", "ask_sampling", "ask_roots", "ask_two"].map((tool) => client.callTool({ name: `${server}__${tool}`, arguments: { tag: tool } })));
    for (const { isError, content } of answered) expect({ isError: isError === true, text: content[0]?.text }).toEqual({ isError: false, text: expect.stringMatching(/Ada|it|work/u) });
  }
  expect(asked.length).toBeGreaterThanOrEqual(4);
}

const asking = { mcpServers: { older: { ...backend, args: [backend.args[0], "legacy"] }, newer: backend } };

describe("serve --stdio", () => {
  test.each([...modes])("carries questions to the official client %s", async (mode) => {
    await using place = await placeOf(asking);
    await questions(mode, ["serve", "--stdio", "--config", place.config, "--state-dir", place.stateDir], place);
  });

  test.each([...modes])("serves the official client %s", async (mode) => {
    await using place = await placeOf({ mcpServers: { demo } });
    await using client = await connectPiped(mode, ["serve", "--stdio", "--config", place.config, "--state-dir", place.stateDir], place);
    await journey(client);
  });

  const started = (place: Place): Piped => startPiped(["serve", "--stdio", "--config", place.config, "--state-dir", place.stateDir], place);

  test("O1, O2, O4: discovers first, shakes hands later, keeps calls and listens apart, and stays on one line", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using pipe = started(place);
    pipe.say(modern('"d"', "server/discover"));
    expect((await pipe.answer("d")).result.supportedVersions).toEqual(["2026-07-28"]);
    pipe.say(modern('"sub"', "subscriptions/listen", '"notifications":{"toolsListChanged":true}'));
    pipe.say(call("1", "raw__work", '{"tag":"slow","hold":true}'));
    pipe.say(call("2", "raw__raw", '{"a":\r [ 1.10,\t9007199254740993 ]}'));
    pipe.say(shake('"i"'));
    expect((await pipe.answer("i")).result.protocolVersion).toBe("2025-11-25");
    pipe.say('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    pipe.say('{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"raw__add_tool","arguments":{"name":"new"}}}');
    await pipe.answer(2);
    await pipe.answer(3);
    await pipe.message(({ method, params }) => method === "notifications/tools/list_changed" && params?._meta?.[tagKey] === "sub");
    await pipe.message(({ method, params }) => method === "notifications/tools/list_changed" && params?._meta === undefined);
    pipe.say(call("4", "raw__release", '{"tag":"slow"}'));
    expect(textOf(await pipe.answer(1))).toBe("slow");
    const tagged = pipe.lines.map((line) => JSON.parse(line) as Line).filter(({ params }) => params?._meta?.[tagKey] === "sub");
    expect(tagged[0]?.method).toBe("notifications/subscriptions/acknowledged");
    expect(pipe.lines.join("")).toContain("9007199254740993");
    expect(pipe.stderr()).toContain("serves one client on stdin and stdout");
  });

  test("O3: a cancelled call or listen is not heard of again", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using pipe = started(place);
    // From here on the server is there, and its lists do not change by themselves.
    pipe.say(call("50", "raw__pid"));
    await pipe.answer(50);
    pipe.say(modern('"sub"', "subscriptions/listen", '"notifications":{"toolsListChanged":true}'));
    pipe.say(call("1", "raw__work", '{"tag":"slow","hold":true}'));
    await pipe.message(({ method }) => method === "notifications/subscriptions/acknowledged");
    for (let held = "", n = 100; !held.includes("slow"); n += 1) {
      pipe.say(call(String(n), "raw__held"));
      held = textOf(await pipe.answer(n));
    }
    pipe.say(cancel("1"));
    pipe.say(cancel('"sub"'));
    for (let told = "", n = 1000; !told.includes("slow"); n += 1) {
      pipe.say(call(String(n), "raw__cancelled"));
      told = textOf(await pipe.answer(n));
    }
    pipe.say(modern('"again"', "subscriptions/listen", '"notifications":{"toolsListChanged":true}'));
    pipe.say(call("2", "raw__add_tool", '{"name":"new"}'));
    await pipe.message(({ method, params }) => method === "notifications/tools/list_changed" && params._meta[tagKey] === "again");
    const late = pipe.lines.map((line) => JSON.parse(line) as Line).filter(({ id, method, params }) => id === 1 || id === "sub" || (method?.endsWith("list_changed") === true && params._meta[tagKey] === "sub"));
    expect(late).toEqual([]);
  });

  test("a cancellation ends a call also when its question was on the way, and the server is told at once", async () => {
    await using place = await placeOf({ mcpServers: { raw: { ...backend, args: [backend.args[0], "legacy"] } } });
    await using pipe = started(place);
    pipe.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"raw__ask_form","arguments":{"tag":"asking"},${envelope("", '"elicitation":{}')}}}`);
    expect((await pipe.answer(1)).result.resultType).toBe("input_required");
    pipe.say(cancel("1"));
    for (let told = "", n = 100; !told.includes("asking"); n += 1) {
      pipe.say(call(String(n), "raw__cancelled"));
      told = textOf(await pipe.answer(n));
    }
  });

  test("O5: the end of its input ends it, its calls and its children, within what a client waits", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using pipe = started(place);
    pipe.say(call("1", "raw__pid"));
    const pid = Number(textOf(await pipe.answer(1)));
    pipe.say(call("2", "raw__never"));
    expect(isAlive(pid)).toBe(true);
    const before = performance.now();
    pipe.end();
    expect(await pipe.exited).toBe(0);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(isAlive(pid)).toBe(false);
  });

  test.each(["serve", "proxy"])("%s answers what was asked before the end of its input, whatever else hangs", async (front) => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using _server = await serving(place);
    const args = front === "serve" ? ["serve", "--stdio", "--config", place.config, "--state-dir", join(place.dir, "own")] : ["proxy", "--state-dir", place.stateDir];
    await using pipe = startPiped(args, place);
    pipe.say(call("1", "raw__pid"));
    await pipe.answer(1);
    pipe.say(call("2", "raw__never"));
    pipe.say(call("3", "raw__big", '{"bytes":3000000}'));
    pipe.say(call("4", "raw__pid"));
    pipe.end();
    expect(await pipe.exited).toBe(0);
    expect(pipe.lines.slice(1).map((line) => (JSON.parse(line) as Line).id).sort()).toEqual([3, 4]);
  });

  test("O6: its own end is told to every listen, and to whoever waits", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend }, limits: { shutdownMsMax: 50 } });
    await using pipe = started(place);
    pipe.say(modern('"sub"', "subscriptions/listen", '"notifications":{}'));
    await pipe.message(({ method }) => method === "notifications/subscriptions/acknowledged");
    pipe.say(call("1", "raw__pid"));
    await pipe.answer(1);
    pipe.signal("SIGTERM");
    expect(await pipe.exited).toBe(0);
    const last = pipe.lines.slice(-2).map((line) => JSON.parse(line) as Line);
    expect(last).toMatchObject([{ method: "notifications/cancelled", params: { requestId: "sub", _meta: { [tagKey]: "sub" } } }, { id: "sub", result: { resultType: "complete", _meta: { [tagKey]: "sub" } } }]);
  });

  test("ends, with its children, when nobody reads its output any more", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    const pipe = join(place.dir, "pipe");
    Bun.spawnSync(["mkfifo", pipe]);
    // A process of its own: when it has ended, its end of the pipe is closed for certain.
    const reader = Bun.spawn(["head", "-n", "1", pipe], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const child = Bun.spawn([...programArgv(), "serve", "--stdio", "--config", place.config, "--state-dir", place.stateDir], { cwd: place.dir, env: cleanEnv({ HOME: place.dir }), stdin: "pipe", stdout: Bun.file(pipe), stderr: "pipe" });
    child.stdin.write(`${call("1", "raw__pid")}\n`);
    await child.stdin.flush();
    const pid = Number(textOf(JSON.parse(await new Response(reader.stdout).text()) as Line));
    expect(await reader.exited).toBe(0);
    child.stdin.write(`${call("2", "raw__pid")}\n`);
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toContain("nobody reads its output");
    expect(isAlive(pid)).toBe(false);
  });

  test("waits with reading while its client does not read, and loses nothing", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend }, limits: { stdoutPauseBytesMax: 1024 } });
    const child = Bun.spawn([...programArgv(), "serve", "--stdio", "--config", place.config, "--state-dir", place.stateDir], { cwd: place.dir, env: cleanEnv({ HOME: place.dir }), stdin: "pipe", stdout: "pipe", stderr: "ignore" });
    const count = 200;
    for (let id = 1; id <= count; id += 1) {
      child.stdin.write(`${call(String(id), "raw__big", '{"bytes":20000}')}\n`);
      await child.stdin.flush();
    }
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (text.split("\n").length > count) child.stdin.end();
    }
    const ids = text.trim().split("\n").map((line) => (JSON.parse(line) as Line).id as number);
    expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(await child.exited).toBe(0);
  });

  test("says on stderr what is wrong with its configuration, and nothing on stdout", async () => {
    await using place = await placeOf({ prot: 1 });
    await using pipe = started(place);
    expect(await pipe.exited).toBe(78);
    expect([pipe.lines, pipe.stderr()]).toEqual([[], expect.stringContaining("prot")]);
  });

  test("leaves no announcement, and no listener", async () => {
    await using place = await placeOf({ mcpServers: {} });
    await using pipe = started(place);
    pipe.say(modern("1", "server/discover"));
    await pipe.answer(1);
    expect(await Bun.file(join(place.stateDir, "server.json")).exists()).toBe(false);
  });
});

describe("proxy", () => {

  test.each([...modes])("bridges the official client %s to the running server, and again to its successor", async (mode) => {
    await using place = await placeOf({ mcpServers: { demo } });
    await using server = await serving(place);
    await using client = await connectPiped(mode, proxyArgs(place), place);
    await journey(client);
    await server.stop("SIGKILL");
    const before = performance.now();
    await expect(client.callTool({ name: "demo__echo", arguments: { text: "x" } })).rejects.toThrow();
    expect(performance.now() - before).toBeLessThan(1000);
    await using _next = await serving(place);
    let back = false;
    while (!back) back = await client.callTool({ name: "demo__echo", arguments: { text: "x" } }).then(() => true, () => false);
    await journey(client);
  });

  test.each([...modes])("carries questions to the official client %s", async (mode) => {
    await using place = await placeOf(asking);
    await using _server = await serving(place);
    await questions(mode, proxyArgs(place), place);
  });

  test("shows the server unchanged: names, identity, instructions, resources", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using server = await serving(place);
    await using pipe = startPiped(proxyArgs(place), place);
    pipe.say(modern("1", "tools/list"));
    pipe.say(modern("2", "server/discover"));
    pipe.say(call("3", "raw__raw", '{"a":9007199254740993}'));
    const direct = JSON.parse((await sendModern(server, { method: "tools/list" })).text) as Line;
    expect((await pipe.answer(1)).result.tools).toEqual(direct.result.tools);
    expect((await pipe.answer(2)).result._meta["io.modelcontextprotocol/serverInfo"].name).toBe("1mcp");
    expect((await pipe.answer(3)).result.structuredContent).toEqual({ a: 9007199254740992 });
    expect(pipe.lines.join("")).toContain("9007199254740993");
  });

  test("answers within a second while there is no server, in both eras, and serves the one that comes, wherever it listens", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using pipe = startPiped(proxyArgs(place), place);
    // The first answer has the start of the program in it; what counts is how long a client waits after that.
    pipe.say("{");
    await pipe.message(({ error }) => error?.code === -32700);
    const before = performance.now();
    pipe.say(call("1", "raw__pid"));
    pipe.say(shake('"early"'));
    pipe.say(modern("2", "server/discover"));
    expect([codeOf(await pipe.answer(1)), codeOf(await pipe.answer("early")), codeOf(await pipe.answer(2))]).toEqual(["SERVER_AWAY", "SERVER_AWAY", "SERVER_AWAY"]);
    expect(performance.now() - before).toBeLessThan(1000);

    const pids: string[] = [];
    let n = 10;
    for (const end of ["SIGTERM", "SIGKILL"] as const) {
      await using server = await serving(place);
      let answer: Line = null;
      do {
        n += 1;
        pipe.say(call(String(n), "raw__pid"));
        answer = await pipe.answer(n);
      } while (answer.error !== undefined);
      pids.push(textOf(answer));
      if (end === "SIGTERM") {
        pipe.say(shake('"session"'));
        expect((await pipe.answer("session")).result.serverInfo.name).toBe("1mcp");
      }
      n += 1;
      pipe.say(`{"jsonrpc":"2.0","id":${n},"method":"tools/call","params":{"name":"raw__pid","arguments":{}}}`);
      expect(textOf(await pipe.answer(n))).toBe(pids.at(-1) ?? "");
      await server.stop(end);
      n += 1;
      pipe.say(call(String(n), "raw__pid"));
      expect((await pipe.answer(n)).error).toBeDefined();
    }
    expect(new Set(pids).size).toBe(2);
    pipe.end();
    expect(await pipe.exited).toBe(0);
  });

  test("tells of the server that comes after one that was killed before anything is asked, and shows its token to nobody at the old address", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using server = await serving(place);
    await using pipe = startPiped(proxyArgs(place, "--log-level", "debug"), place);
    pipe.say(call("1", "raw__pid"));
    await pipe.answer(1);
    pipe.say(modern('"sub"', "subscriptions/listen", '"notifications":{"toolsListChanged":true}'));
    await pipe.message(({ method }) => method === "notifications/subscriptions/acknowledged");
    pipe.say(shake('"i"'));
    await pipe.answer("i");
    const before = pipe.lines.length;
    await server.stop("SIGKILL");
    let shown = 0;
    const stranger = Bun.serve({
      port: Number(new URL(server.url).port),
      hostname: "127.0.0.1",
      fetch: () => {
        shown += 1;
        return new Response(null, { status: 404 });
      },
    });
    try {
      // It has tried again by then, at least twice.
      while (pipe.stderr().split("what listened there has ended").length < 3) await new Promise((resolve) => setImmediate(resolve));
      expect(shown).toBe(0);
      await writeFile(place.config, JSON.stringify({ mcpServers: { other: backend } }));
      await using _next = await serving(place);
      const changed = (tag: unknown) => pipe.message((one) => one.method === "notifications/tools/list_changed" && one.params?._meta?.[tagKey] === tag && pipe.lines.indexOf(JSON.stringify(one)) >= before);
      await Promise.all([changed("sub"), changed(undefined)]);
      pipe.say(modern("2", "tools/list"));
      expect((await pipe.answer(2)).result.tools[0].name).toStartWith("other__");
      expect(shown).toBe(0);
    } finally {
      await stranger.stop(true);
    }
  });

  test("starts the server if none runs, once for two clients at a time, and leaves it running", async () => {
    await using place = await placeOf({ port: 0, mcpServers: { raw: backend } });
    const args = proxyArgs(place, "--start", "--config", place.config);
    const pipe = startPiped(args, place);
    pipe.say(call("1", "raw__pid"));
    const pid = textOf(await pipe.answer(1));
    const server = JSON.parse(await readFile(join(place.stateDir, "server.json"), "utf8")) as { pid: number };
    try {
      await using second = startPiped(args, place);
      second.say(call("1", "raw__pid"));
      expect(textOf(await second.answer(1))).toBe(pid);
      pipe.end();
      expect(await pipe.exited).toBe(0);
      second.say(call("2", "raw__pid"));
      expect(textOf(await second.answer(2))).toBe(pid);
      expect(await readFile(join(place.stateDir, "serve.log"), "utf8")).toContain("listens on");
    } finally {
      process.kill(server.pid, "SIGTERM");
      await gone(Number(pid));
    }
  });

  test("starts it again when it is asked for after it was killed", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend }, port: 0 });
    await using pipe = startPiped(proxyArgs(place, "--start", "--config", place.config), place);
    const running = async (): Promise<number> => (JSON.parse(await readFile(join(place.stateDir, "server.json"), "utf8")) as { pid: number }).pid;
    let last = 0;
    for (const n of [1, 2, 3]) {
      do {
        pipe.say(call(String(n), "raw__pid"));
        await pipe.answer(n);
      } while (!pipe.lines.some((line) => line.startsWith(`{"jsonrpc":"2.0","id":${n},"result"`)) && pipe.lines.splice(0) !== null);
      expect(await running()).not.toBe(last);
      last = await running();
      process.kill(last, n === 2 ? "SIGTERM" : "SIGKILL");
      await gone(last);
    }
  });

  test("says why the server that it started did not come up, and answers", async () => {
    await using place = await placeOf({ prot: 1 });
    await using pipe = startPiped(proxyArgs(place, "--start", "--config", place.config), place);
    pipe.say(call("1", "raw__pid"));
    expect(codeOf(await pipe.answer(1))).toBe("SERVER_AWAY");
    expect(pipe.stderr()).toContain("it ended with 78");
    expect(await readFile(join(place.stateDir, "serve.log"), "utf8")).toContain("prot");
  });

  test("shows the token of the state folder to this machine's servers only, another one when it is given", async () => {
    await using place = await placeOf({ mcpServers: { raw: backend } });
    await using server = await serving(place);
    const elsewhere = join(place.dir, "elsewhere");
    await mkdir(elsewhere, { mode: 0o700 });
    const url = ["proxy", "--url", server.url, "--state-dir"];
    const answers = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
      await using pipe = startPiped(args, { dir: place.dir, env });
      pipe.say(call("1", "raw__pid"));
      const answer = await pipe.answer(1);
      return answer.error === undefined ? "served" : `${codeOf(answer)} ${answer.error.message}`;
    };
    expect(await answers([...url, place.stateDir])).toBe("served");
    expect(await answers([...url, elsewhere])).toMatch(/^SERVER_AWAY .*401/u);
    expect(await answers([...url, elsewhere], { ONE_MCP_TOKEN: server.token })).toBe("served");
    const file = join(place.dir, "token-file");
    await writeFile(file, `${server.token}\n`, { mode: 0o600 });
    expect(await answers([...url, elsewhere, "--token-file", file])).toBe("served");
    await writeFile(join(elsewhere, "token"), `1mcp_${"x".repeat(43)}\n`, { mode: 0o600 });
    expect(await answers([...url, elsewhere])).toMatch(/^SERVER_AWAY .*401/u);
  });
});
