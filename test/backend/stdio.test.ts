import { expect, test } from "bun:test";
import { join } from "node:path";
import { createKnownSecrets, defaultLimits, type Fault, type Limits, type Log, nullLog, Secret, systemClock } from "../../src/base/index.ts";
import { Groups } from "../../src/backend/group.ts";
import { createStdioLink } from "../../src/backend/stdio.ts";
import type { StdioSpec } from "../../src/config/index.ts";
import { type Message, rawOf, requestText } from "../../src/protocol/index.ts";
import { isAlive } from "../fixtures/alive.ts";
import { createFolder } from "../fixtures/folder.ts";
import { specOf } from "../fixtures/pool.ts";

const program = join(import.meta.dir, "../fixtures/lineChild.ts");
const childOf = (more: Partial<StdioSpec> = {}, ...flags: string[]): StdioSpec =>
  specOf("child", { command: process.execPath, args: [program, ...flags], ...more });

/** A link to a real child, with what came over it. */
async function open(spec: StdioSpec, limits: Partial<Limits> = {}, log: Log = nullLog) {
  const folder = await createFolder();
  const secrets = createKnownSecrets();
  for (const value of Object.values(spec.env)) if (value instanceof Secret) secrets.add(value);
  const link = createStdioLink({ spec, clock: systemClock, limits: { ...defaultLimits, ...limits }, log, secrets, env: process.env, stateDir: folder.path, groups: new Groups() });
  const messages: Message[] = [];
  const fell = Promise.withResolvers<string>();
  link.onMessage = (message) => messages.push(message);
  link.onDown = fell.resolve;
  const ask = async (method: string, params = "{}", timeoutMs = 10_000): Promise<string> => {
    const id = link.nextId();
    const { message } = await link.request({ id, text: requestText(id, method, params), headers: {}, timeoutMs });
    return message?.kind === "result" ? rawOf(message.result) : JSON.stringify(message);
  };
  return {
    link,
    messages,
    ask,
    fell: fell.promise,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await link.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
const failure = (promise: Promise<unknown>): Promise<Fault> => promise.then((value) => Promise.reject(new Error(`answered ${String(value)}`)), (thrown: Fault) => thrown);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
test("many requests at once each get their own answer, byte for byte", async () => {
  await using child = await open(childOf());
  await child.link.open();
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => child.ask("echo", `{"n":${n},"big":9007199254740991,"text":"ü"}`)));
  expect(answers).toEqual(Array.from({ length: 300 }, (_, n) => `{"n":${n},"big":9007199254740991,"text":"ü"}`));
  expect(child.link.inFlight).toBe(0);
});

test("requests and notifications of the child reach onMessage, and answers to them reach the child", async () => {
  await using child = await open(childOf());
  await child.link.open();
  const came = Promise.withResolvers<Message>();
  child.link.onMessage = came.resolve;
  const answer = child.ask("ask");
  const question = await came.promise;
  expect(question).toMatchObject({ kind: "request", id: '"question"', method: "ask/you" });
  await child.link.send('{"jsonrpc":"2.0","id":"question","result":{"yes":true}}', {});
  expect(await answer).toBe('{"answered":{"yes":true}}');
});

test("banners and noise on stdout are skipped and reported, batches taken apart", async () => {
  const lines: string[] = [];
  const log: Log = { ...nullLog, info: (text) => lines.push(text), warn: (text) => lines.push(text), with: () => log };
  await using child = await open(childOf({}, "--banner"), { noiseLinesMax: 50 }, log);
  await child.link.open();
  await child.ask("noise", '{"lines":200}');
  expect(await child.ask("batch")).toBe('{"batched":true}');
  expect(child.messages).toMatchObject([{ kind: "notification", method: "note" }]);
  expect(lines).toEqual(["starting", "stdout holds a line that is not a message, which is skipped", "stdout holds many lines that are not messages"]);
});

test("an answer that is no valid response fails its own call at once", async () => {
  await using child = await open(childOf());
  await child.link.open();
  expect((await failure(child.ask("garbled"))).code).toBe("BACKEND_GARBLED");
  expect(await child.ask("stranger")).toBe("{}");
});

test("a call that is never answered ends at its deadline, and the child lives on", async () => {
  await using child = await open(childOf());
  await child.link.open();
  expect((await failure(child.ask("silent", "{}", 30))).code).toBe("BACKEND_TIMEOUT");
  expect(await child.ask("echo")).toBe("{}");
});

test("an abandoned call rejects", async () => {
  await using child = await open(childOf());
  await child.link.open();
  const id = child.link.nextId();
  const answer = failure(child.link.request({ id, text: requestText(id, "silent", "{}"), headers: {}, timeoutMs: 10_000 }));
  child.link.abandon(id);
  expect((await answer).code).toBe("CALL_CANCELLED");
});

test("a crash fails what was in flight, says that it had been sent, and gives the last words", async () => {
  await using child = await open(childOf());
  await child.link.open();
  await child.ask("echo");
  const waiting = failure(child.ask("silent"));
  const gone = failure(child.ask("exit", '{"code":5,"words":"out of luck"}'));
  expect(await gone).toMatchObject({ code: "BACKEND_GONE", data: { sent: true } });
  expect((await waiting).message).toContain("it ended with exit code 5: out of luck");
  expect(await child.fell).toBe("it ended with exit code 5: out of luck");
  expect(child.link.fallen).toBe("it ended with exit code 5: out of luck");
  expect(await failure(child.ask("echo"))).toMatchObject({ code: "BACKEND_GONE", data: { sent: false } });
  expect(child.link.pid).toBeNull();
});

test("the answer that a child gives on its way out arrives", async () => {
  await using child = await open(childOf());
  await child.link.open();
  expect(await child.ask("answerAndExit")).toBe('{"last":true}');
  expect(await child.fell).toBe("it ended with exit code 0");
});

test("a child that closes its stdin or its stdout is of no more use", async () => {
  const up = 'printf \'{"jsonrpc":"2.0","method":"up"}\\n\'';
  for (const [how, reason] of [["exec 0<&-", "it closed its stdin"], ["exec 1>&-", "it closed its stdout"]] as const) {
    await using child = await open(specOf("half", { command: "sh", args: ["-c", `${up}; ${how}; [ -t 1 ] || ${up} 2>/dev/null; exec sleep 1000`] }), { exitDrainMs: 20, stdinEndMs: 10 });
    const came = Promise.withResolvers<Message>();
    child.link.onMessage = came.resolve;
    await child.link.open();
    await came.promise;
    const waiting = failure(askUntilFallen(child));
    expect(await child.fell).toBe(reason);
    expect((await waiting).code).toBe("BACKEND_GONE");
  }
});

/** Asks again and again: a write reaches the pipe before the child has closed it, or after. */
async function askUntilFallen({ ask }: { ask(method: string, params: string, timeoutMs: number): Promise<string> }): Promise<string> {
  for (;;) await ask("silent", "{}", 20).catch((thrown: Fault) => (thrown.code === "BACKEND_TIMEOUT" ? "" : Promise.reject(thrown)));
}

test("a child that does not read gets no more than the bound", async () => {
  const script = 'printf \'{"jsonrpc":"2.0","method":"up"}\\n\'; exec sleep 1000';
  await using child = await open(specOf("sleeper", { command: "sh", args: ["-c", script] }), { stdinBytesMax: 1024 * 1024, stdinEndMs: 10 });
  await child.link.open();
  const big = `{"text":"${"x".repeat(600_000)}"}`;
  const first = failure(child.ask("echo", big));
  await Promise.resolve();
  const codes: string[] = [];
  for (let n = 0; n < 3; n++) codes.push((await Promise.race([failure(child.ask("echo", big)), turn().then(() => ({ code: "waits" }))])).code);
  expect(codes).toContain("BACKEND_BUSY");
  await child.link.close();
  expect((await first).code).toBe("BACKEND_GONE");
});

test("a flood on stderr stalls nothing and leaves its last lines, secrets masked", async () => {
  await using child = await open(childOf({ env: { TOKEN: new Secret("s3cret-value") } }));
  await child.link.open();
  await child.ask("stderr", '{"lines":10000}');
  await child.ask("stderr", '{"text":"failed with s3cret-value"}');
  const id = child.link.nextId();
  await child.link.request({ id, text: requestText(id, "echo", "{}"), headers: {}, timeoutMs: 10_000 });
  await child.link.close();
  expect(child.link.stderr().at(-1)).toBe("failed with [secret]");
  expect(child.link.stderr().join("").length).toBeLessThanOrEqual(defaultLimits.stderrBytesMax);
});

test("a child has the declared environment and a private folder of its own", async () => {
  await using child = await open(childOf({ name: "../odd name", env: { TOKEN: new Secret("s3cret-value") } }));
  await child.link.open();
  const seen = JSON.parse(await child.ask("environment")) as { env: Record<string, string>; cwd: string; pid: number };
  expect(seen.env["TOKEN"]).toBe("s3cret-value");
  expect(seen.cwd).toStartWith(join(child.folder, "servers", "server-"));
  expect(seen.pid).toBe(child.link.pid ?? 0);
});

test("a command that does not exist, and a folder that does not, is told by name", async () => {
  await using child = await open(specOf("gone", { command: "no-such-command-at-all" }));
  expect(await failure(child.link.open())).toMatchObject({ code: "BACKEND_COMMAND", message: expect.stringContaining("no-such-command-at-all: no such command or folder") });
  await using lost = await open(childOf({ cwd: "/no/such/folder" }));
  expect(await failure(lost.link.open())).toMatchObject({ code: "BACKEND_COMMAND", message: expect.stringContaining("(cwd /no/such/folder: no such folder)") });
  await using barred = await open(specOf("barred", { command: program }));
  expect((await failure(barred.link.open())).message).toContain("no permission to run it");
});

test("a child that ended at the first message can be started anew, under ids that go on", async () => {
  await using child = await open(childOf());
  const file = join(child.folder, "met");
  await using shy = await open(childOf({}, `--shy=${file}`));
  await shy.link.open();
  expect((await failure(shy.ask("echo"))).message).toContain("exit code 3");
  expect(shy.link.fallen).not.toBeNull();
  await shy.link.respawn?.();
  expect(shy.link.fallen).toBeNull();
  expect(await shy.ask("echo")).toBe("{}");
  expect(shy.link.nextId()).toBe(3);
});

test("output that cannot be handled ends the link instead of being lost without a word", async () => {
  const logged: string[] = [];
  const log: Log = { ...nullLog, error: (text, fields) => logged.push(`${text}: ${String(fields?.["reason"])}`), with: () => log };
  await using child = await open(childOf(), {}, log);
  await child.link.open();
  child.link.onMessage = () => {
    throw new Error("a defect");
  };
  const call = failure(child.ask("ask"));
  expect(await child.fell).toBe("its output could not be handled");
  expect((await call).code).toBe("BACKEND_GONE");
  expect(logged).toEqual(["the output could not be handled: Error: a defect"]);
});

test("closing ends a child that stays and ignores TERM, with its descendants, and twice is fine", async () => {
  const script = `${process.execPath} ${program} --ignore-term --stay & echo "{\\"jsonrpc\\":\\"2.0\\",\\"method\\":\\"pid\\",\\"params\\":{\\"pid\\":$!}}"; trap '' TERM; wait; wait`;
  await using child = await open(specOf("tree", { command: "sh", args: ["-c", script] }), { stdinEndMs: 50, termMs: 100 });
  const came = Promise.withResolvers<Message>();
  child.link.onMessage = came.resolve;
  await child.link.open();
  const note = await came.promise;
  const grandchild = Number(JSON.parse(note.kind === "notification" && note.params !== null ? rawOf(note.params) : "{}").pid);
  expect(isAlive(grandchild)).toBe(true);
  await Promise.all([child.link.close(), child.link.close()]);
  const state = await Bun.file(`/proc/${grandchild}/stat`).text().catch(() => "");
  expect(state === "" || /\) [ZX] /.test(state)).toBe(true);
  expect(await failure(child.link.open())).toMatchObject({ code: "BACKEND_GONE" });
});

test("a descendant that has left the group, dropped its mark and holds the pipes open is not listened to any more", async () => {
  await using folder = await createFolder();
  const pidFile = folder.at("pid");
  // The escaped one talks for as long as somebody reads it, and ends at the first line that nobody takes.
  const escape = `env -u ONE_MCP_LIFE setsid sh -c 'echo $$ > ${pidFile}; trap "" TERM; while echo "{\\"jsonrpc\\":\\"2.0\\",\\"method\\":\\"still here\\"}"; do sleep 0.02; done' & exec ${process.execPath} ${program}`;
  await using child = await open(specOf("child", { command: "sh", args: ["-c", escape] }), { stdinEndMs: 500, termMs: 200 });
  const { link, messages, ask } = child;
  await link.open();
  await ask("echo");
  while (messages.length === 0) await turn();
  const escaped = Number(await Bun.file(pidFile).text());
  await link.close();
  const heard = messages.length;
  while (isAlive(escaped)) await turn();
  expect(messages.length).toBe(heard);
});
