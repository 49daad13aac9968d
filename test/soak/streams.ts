/** A thousand idle clients come and go: what they cost while they are there, and what is left of them. */
import { connect, headerOf, openStream } from "../bench/http.ts";
import { residentMb } from "../bench/targets.ts";
import { mark } from "./processes.ts";
import { atMost, entry, type Finding, startWith, told, type Trial } from "./trials.ts";

const count = 500;
const rounds = 12;

const headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
const older = `${headers}MCP-Protocol-Version: 2025-11-25\r\n`;
const hello = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "soak", version: "1" } } });
const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "soak", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} };
const listen = JSON.stringify({ jsonrpc: "2.0", id: "l", method: "subscriptions/listen", params: { notifications: { toolsListChanged: true }, _meta: meta } });

async function openSessions(url: URL): Promise<string[]> {
  const connection = await connect(url);
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const id = headerOf((await connection.exchange("POST", older, [hello])).head, "mcp-session-id");
    if (id === null) throw new Error("no session was opened");
    await connection.exchange("POST", `${older}Mcp-Session-Id: ${id}\r\n`, ['{"jsonrpc":"2.0","method":"notifications/initialized"}']);
    ids.push(id);
  }
  connection.close();
  return ids;
}

async function endSessions(url: URL, ids: readonly string[]): Promise<void> {
  const connection = await connect(url);
  for (const id of ids) await connection.exchange("DELETE", `${older}Mcp-Session-Id: ${id}\r\n`, []);
  connection.close();
}

const openListens = (url: URL): Promise<readonly { readonly head: string; close(): void }[]> =>
  Promise.all(Array.from({ length: count }, () => openStream(url, `${headers}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n`, listen)));

export const streams: Trial = {
  name: "streams",
  about: `${count} idle sessions of 2025 and ${count} open listens of 2026 come and go, ${rounds} times after one that does not count`,
  async run(): Promise<readonly Finding[]> {
    await using program = await startWith({ well: entry("good", mark("well")) }, { limits: { watchesMax: 4000, watchesPerPrincipalMax: 4000 } });
    const url = new URL(`${program.origin}/mcp`);
    const memory = (): Promise<number> => residentMb(program.pid);
    const round = async (): Promise<{ readonly open: number; readonly closed: number }> => {
      const ids = await openSessions(url);
      const listens = await openListens(url);
      const refused = listens.find(({ head }) => !head.startsWith("HTTP/1.1 200"));
      if (refused !== undefined) throw new Error(`a listen was refused: ${refused.head}`);
      const open = await memory();
      for (const one of listens) one.close();
      await endSessions(url, ids);
      // The runtime gives memory back at its own pace.
      await Bun.sleep(2000);
      return { open, closed: await memory() };
    };
    const before = await memory();
    const warm = await round();
    const opens: number[] = [];
    const closeds: number[] = [];
    for (let time = 0; time < rounds; time += 1) {
      const { open, closed } = await round();
      opens.push(open);
      closeds.push(closed);
    }
    return [
      atMost("growth while they are there, the first time", warm.open - before, 40, "MB"),
      atMost("growth while they are there, later on", Math.max(...opens) - warm.closed, 40, "MB"),
      // Memory that was given up is collected now and then: the least of the last rounds is what is really held.
      atMost("what is left after the last rounds, against the first", Math.min(...closeds.slice(-rounds / 2)) - warm.closed, 4, "MB"),
      told("resident memory at first, and after each round", [before, warm.closed, ...closeds].map((mb) => mb.toFixed(0)).join(", ") + " MB"),
    ];
  },
};
