/**
 * A server for the soaks: it echoes, waits, and behaves badly in one chosen way. `bun backend.ts <stdio|http> <manner> <tag> [port]`;
 * the tag only marks the process, so that it can be found from outside.
 *
 *   good       answers at once
 *   crash      ends as soon as it is started
 *   mute       reads everything and answers nothing
 *   flood      answers, and writes rubbish to stdout and stderr without end
 *   stoppable  as good; it is stopped from outside
 */
import { readLines } from "../bench/lines.ts";
import { replyTo } from "../bench/backend.ts";

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: { readonly ms?: number; readonly text?: string } };
}

/** What the tool `other0` means here: an echo that takes `ms`. */
const delayOf = ({ method, params }: Message): number => (method === "tools/call" && params?.name === "other0" ? (params.arguments?.ms ?? 0) : 0);

async function serveStdio(manner: string): Promise<void> {
  const write = (text: string): void => void process.stdout.write(text);
  if (manner === "flood") {
    const rubbish = `${"no message, only noise ".repeat(40)}\n`;
    const flood = (): void => {
      process.stderr.write(rubbish);
      // As fast as it is taken, and no faster: a real program is held up by a full pipe.
      if (process.stdout.write(rubbish)) setImmediate(flood);
      else process.stdout.once("drain", flood);
    };
    flood();
  }
  const answer = (line: string): void => {
    if (manner === "mute") return;
    const message = JSON.parse(line) as Message;
    const reply = replyTo(line, "2026");
    if (reply === null) return;
    const ms = delayOf(message);
    if (ms === 0) write(`${reply}\n`);
    else setTimeout(() => write(`${reply}\n`), ms);
  };
  await readLines(Bun.stdin.stream() as unknown as AsyncIterable<Uint8Array>, answer, () => undefined);
}

function serveHttp(port: number): void {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      const reply = replyTo(await request.text(), "2026");
      return reply === null ? new Response(null, { status: 202 }) : new Response(reply, { headers: { "content-type": "application/json" } });
    },
  });
  console.error(`http://127.0.0.1:${server.port}/mcp`);
}

const [kind, manner = "good", , port = "0"] = process.argv.slice(2);
if (kind === "http") serveHttp(Number(port));
else if (manner === "crash") process.exitCode = 1;
else await serveStdio(manner);
