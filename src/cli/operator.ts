/**
 * A word with the running server of the state folder, over its operator's socket. What nobody answers is told apart: there
 * is no server, or there is a process that does not answer (yet, or any more).
 */
import { defaultLimits, type Fault, fault, type FaultCode, faultOf, faults, fixedBounds, sendOverSocket } from "../base/index.ts";
import { type Presence, readOwner, readPresence } from "../config/index.ts";
import { stateDirOf } from "./configPath.ts";
import type { Occasion } from "./occasion.ts";

export type Asked<T> =
  | { readonly kind: "answer"; readonly value: T; readonly server: Presence }
  /** No process of a server lives. */
  | { readonly kind: "none" }
  /** One lives and does not answer; `why` is a sentence. */
  | { readonly kind: "silent"; readonly pid: number; readonly why: string };

type Around = Pick<Occasion, "settings" | "env" | "clock">;

/**
 * Asks, and waits for the answer as long as `msMax`. Throws STATE_UNSAFE, STATE_BROKEN, BACKEND_GARBLED for an answer that is
 * none, and what the server refused it with.
 */
export async function askOperator<T>(around: Around, method: "GET" | "POST", path: string, msMax: number = fixedBounds.operatorMsMax, body?: object): Promise<Asked<T>> {
  const { clock } = around;
  const stateDir = stateDirOf(around);
  const server = await readPresence(stateDir, clock);
  if (server === null) return absent(stateDir);
  if (server.operator === null) return { kind: "silent", pid: server.pid, why: `process ${server.pid} has no operator's socket; its log says why` };
  const patience = new AbortController();
  const timer = clock.timer(msMax, () => patience.abort());
  const said = await wordsAt(server.operator, `http://operator${path}`, { method, headers: {}, body: body === undefined ? "" : JSON.stringify(body), signal: patience.signal, backend: "1mcp" })
    .catch((thrown: unknown) => silent(server, thrown, msMax))
    .finally(() => timer.cancel());
  // A refusal may have the very code of a server that does not answer: it is read where that is settled.
  return "kind" in said ? said : { kind: "answer", value: valueOf<T>(said.status, said.body), server };
}

async function wordsAt(socket: string, url: string, options: Parameters<typeof sendOverSocket>[2]): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  const reply = await sendOverSocket(socket, url, options);
  return { status: reply.status, body: await reply.all(defaultLimits.messageBytesMax) };
}

export interface RunningOptions {
  readonly body?: object;
  readonly msMax?: number;
  /** What to do where no server runs. */
  readonly hint?: string;
}

/** The answer of the server that runs. Throws SERVER_AWAY where none does, or it does not answer, and what `askOperator` throws. */
export async function askRunning<T>(around: Around, method: "GET" | "POST", path: string, { body, msMax, hint }: RunningOptions = {}): Promise<T> {
  const asked = await askOperator<T>(around, method, path, msMax, body);
  if (asked.kind === "answer") return asked.value;
  throw asked.kind === "silent" ? silentFault(asked.why) : fault("SERVER_AWAY", hint === undefined ? {} : { hint });
}

/** What is told of a server that is there and does not answer: starting another one is no way out. */
export const silentFault = (why: string): Fault => fault("SERVER_AWAY", { detail: why, hint: "try again in a moment" });

/** It announces itself last, and takes that back first: in between it owns its state folder all the same. */
async function absent(stateDir: string): Promise<Asked<never>> {
  const owner = await readOwner(stateDir);
  return owner === null ? { kind: "none" } : { kind: "silent", pid: owner.pid, why: `process ${owner.pid} is starting, or shutting down` };
}

function silent({ pid }: Presence, thrown: unknown, msMax: number): Asked<never> {
  const { code } = faultOf(thrown);
  if (code === "CALL_CANCELLED") return { kind: "silent", pid, why: `process ${pid} has not answered for ${msMax} ms` };
  if (code === "BACKEND_DOWN" || code === "BACKEND_GONE") return { kind: "silent", pid, why: `process ${pid} does not answer` };
  throw thrown;
}

/** Why it was refused, as the server's own fault; null where the text says no such thing. */
function refusalIn(text: string): Fault | null {
  try {
    const { code, error, hint } = JSON.parse(text) as { readonly code?: unknown; readonly error?: unknown; readonly hint?: unknown };
    if (typeof code !== "string" || !Object.hasOwn(faults, code)) return null;
    return fault(code as FaultCode, { ...besideCode(code as FaultCode, String(error)), ...(typeof hint === "string" ? { hint } : {}) });
  } catch {
    return null;
  }
}

/** What a fault's message says beside the sentence of its code: the fault that is made of it says that again. */
function besideCode(code: FaultCode, message: string): { readonly detail?: string; readonly backend?: string } {
  const [before = "", behind = null] = message.split(faults[code].text);
  if (behind === null) return { detail: message };
  const [backend, detail] = [before.replace(/: $/, ""), message.slice(before.length + faults[code].text.length).replace(/^ \(([^]*)\)$/, "$1")];
  return { ...(backend === "" ? {} : { backend }), ...(detail === "" ? {} : { detail }) };
}

function valueOf<T>(status: number, body: Uint8Array): T {
  const text = new TextDecoder().decode(body);
  if (status === 200) return JSON.parse(text) as T;
  const refused = refusalIn(text);
  if (refused !== null) throw refused;
  throw fault("BACKEND_GARBLED", { backend: "1mcp", detail: `status ${status}: ${text.slice(0, defaultLimits.excerptMax)}` });
}
