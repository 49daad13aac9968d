/**
 * A server that misbehaves on request: each tool does what its name says, before or instead of answering with `ok`.
 * Arguments: `--stubborn` (neither the end of stdin nor TERM ends it), `--crash` (ends before it has said anything),
 * `--late=MS` (reads nothing until then), `--listless=FILE` (refuses its list of tools until FILE exists), `--needs=FILE`
 * (ends at once unless FILE exists), `--mute=FILE` (reads nothing while FILE exists), `--once=FILE` (`look` and `change`
 * kill it unless FILE exists, and make it).
 */
import { closeSync, existsSync, writeFileSync, writeSync } from "node:fs";
import { createLines, memberOf, objectOf, parseMessage, type Raw, type RawObject, type Request, stringOf } from "../../src/protocol/index.ts";
import { defaultLimits } from "../../src/base/index.ts";

const flags = process.argv.slice(2);
const valueOf = (name: string): string | null => flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3) ?? null;
const stubborn = flags.includes("--stubborn");
const listless = valueOf("listless");

if (flags.includes("--crash")) {
  console.error("no licence found");
  process.exit(9);
}
if (valueOf("needs") !== null && !existsSync(valueOf("needs") ?? "")) {
  console.error("the disk is not there");
  process.exit(8);
}
if (stubborn) {
  process.on("SIGTERM", () => undefined);
  setInterval(() => undefined, 1000);
}

// At once and whole, whatever the pipe: what follows may be the end.
function write(bytes: string | Uint8Array): void {
  let rest = Buffer.from(bytes);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== "EAGAIN") throw thrown;
      Bun.sleepSync(1);
    }
  }
}

const reply = (id: Raw, result: string): void => write(`{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete",${result}}}\n`);
const text = (id: Raw, said: string): void => reply(id, `"content":[{"type":"text","text":${JSON.stringify(said)}}]`);
const numberOf = (args: RawObject | null, name: string): number => Number((args && memberOf(args, name)) ?? 0);
const child = (script: string): number => Bun.spawn(["sh", "-c", script], { stdin: "ignore", stdout: "inherit", stderr: "inherit" }).pid;

/** Falls under the first call, and answers the next one. */
function onceFallen(id: Raw): void {
  const file = valueOf("once");
  if (file !== null && !existsSync(file)) {
    writeFileSync(file, "");
    process.kill(process.pid, "SIGKILL");
  }
  text(id, "ok");
}

/** Says every moment that it is not done, until it is. */
function progress(id: Raw, ms: number): void {
  let steps = 0;
  const timer = setInterval(() => write(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${id},"progress":${(steps += 1)}}}\n`), 100);
  setTimeout(() => {
    clearInterval(timer);
    text(id, "ok");
  }, ms);
}

const deeds: Record<string, (id: Raw, args: RawObject | null) => void> = {
  ok: (id) => text(id, "ok"),
  pid: (id) => text(id, String(process.pid)),
  crash: () => {
    console.error("out of luck");
    process.exit(3);
  },
  never: () => undefined,
  after: (id, args) => void setTimeout(() => text(id, "ok"), numberOf(args, "ms")),
  progress: (id, args) => progress(id, numberOf(args, "ms")),
  twice: (id) => {
    text(id, "ok");
    text(id, "again");
  },
  strangers: (id) => {
    for (const other of ["999999", '"text"', "null", "-1", "1.5", "1e400"]) text(other, "for nobody");
    text(id, "ok");
  },
  binary: (id) => {
    write(new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x0a, 0x00, 0x0a, 0xc3, 0x0a]));
    text(id, "ok");
  },
  half: (id) => {
    write(`{"jsonrpc":"2.0","id":${id},"res`);
    setTimeout(() => write('ult":{"resultType":"complete","content":[{"type":"text","text":"ok"}]}}\n'), 50);
  },
  halfAndEnd: (id) => {
    write(`{"jsonrpc":"2.0","id":${id},"res`);
    process.exit(0);
  },
  long: (id, args) => {
    write("x".repeat(numberOf(args, "bytes")));
    write("\n");
    text(id, "ok");
  },
  big: (id, args) => text(id, "y".repeat(numberOf(args, "bytes"))),
  floodOut: (id, args) => {
    for (let lines = 0; lines < numberOf(args, "lines"); lines += 1) write(`${"progress ".repeat(100)}\n`);
    text(id, "ok");
  },
  floodErr: (id, args) => {
    for (let lines = 0; lines < numberOf(args, "lines"); lines += 1) console.error("trouble ".repeat(100));
    text(id, "ok");
  },
  closeStdin: (id) => {
    closeSync(0);
    text(id, "ok");
  },
  closeStdout: () => closeSync(1),
  look: (id) => onceFallen(id),
  change: (id) => onceFallen(id),
  stop: () => process.kill(process.pid, "SIGSTOP"),
  fork: (id, args) => text(id, String(child((args && stringOf(args, "script")) ?? "sleep 1000"))),
};

const handlers: Record<string, (request: Request) => void> = {
  "server/discover": ({ id }) => reply(id, '"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private"'),
  "tools/list": ({ id }) => {
    if (listless !== null && !existsSync(listless)) refuse(id, -32603, "the database is not there yet");
    else reply(id, `"tools":[${Object.keys(deeds).map((name) => `{"name":"${name}","inputSchema":{"type":"object"}${name === "look" ? ',"annotations":{"readOnlyHint":true}' : ""}}`).join(",")}],"ttlMs":0,"cacheScope":"private"`);
  },
  "tools/call": ({ id, params }) => deeds[(params && stringOf(params, "name")) ?? ""]?.(id, params && objectOf(params, "arguments")),
};

function refuse(id: Raw, code: number, message: string): void {
  write(`{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":"${message}"}}\n`);
}

const lines = createLines({
  bytesMax: defaultLimits.messageBytesMax,
  onProblem: (what) => console.error(what),
  onText(line) {
    const parsed = parseMessage(line, defaultLimits);
    if (!parsed.ok || parsed.message.kind !== "request") return;
    const handler = handlers[parsed.message.method];
    if (handler === undefined) refuse(parsed.message.id, -32601, "Method not found");
    else handler(parsed.message);
  },
});

await Bun.sleep(Number(valueOf("late") ?? 0));
while (existsSync(valueOf("mute") ?? "")) await Bun.sleep(20);
process.stdin.on("data", (chunk: Uint8Array) => lines.feed(chunk));
process.stdin.on("error", () => undefined);
process.stdin.on("end", () => (stubborn ? undefined : process.exit(0)));
