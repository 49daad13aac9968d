/**
 * A knock at a door of our kind: whether anybody is there, and who. A proxy knocks at its own to know that it answers;
 * who wants a port knocks to know who has it. It hides what is asked for, and that no certificate counts in asking it.
 */
import { createEgress, defaultLimits, faultOf, type Limits, systemClock } from "../base/index.ts";
import { type Config, reachable } from "../config/index.ts";

/** Whether our own door at this address answers within `ms`. Never throws. */
export const answering = (url: string, limits: Limits, tls: Config["tls"]) => (ms: number): Promise<boolean> =>
  knock(url, ms, limits).then(
    ({ status }) => status === 200,
    // Without a certificate, which we have none of for ourselves, it answers by refusing us or by hanging up.
    (thrown: unknown) => tls?.requestCert === true && refusals.includes(faultOf(thrown).code),
  );

const refusals: readonly string[] = Object.freeze(["BACKEND_GONE", "BACKEND_REFUSED"]);

/** Who answers at an address of this computer: nobody, a proxy of our kind, or some other program. Never throws. */
export async function listenerAt(host: string, port: number, msMax: number): Promise<"nobody" | "1mcp" | "other"> {
  try {
    const { body } = await knock(`http://${host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host}:${port}`, msMax, defaultLimits);
    return body === '{"status":"ok"}' ? "1mcp" : "other";
  } catch (thrown) {
    // Whoever takes a connection and then says nothing that we read is somebody all the same.
    return faultOf(thrown).code === "BACKEND_DOWN" ? "nobody" : "other";
  }
}

/** What a door says when it is asked whether it lives. Throws the Faults of sending. */
async function knock(url: string, msMax: number, limits: Limits): Promise<{ readonly status: number; readonly body: string }> {
  // Never through a proxy: it is a door of this computer.
  const egress = createEgress({ limits, env: {}, acceptsAnyone: true });
  const patience = new AbortController();
  const timer = systemClock.timer(msMax, () => patience.abort());
  try {
    const reply = await egress.send(new URL("/health/live", reachable(url)).href, { method: "GET", headers: {}, signal: patience.signal, backend: "1mcp" });
    return { status: reply.status, body: new TextDecoder().decode(await reply.all(limits.excerptMax)) };
  } finally {
    timer.cancel();
  }
}
