/**
 * The way to authorization servers, in the form that the login's library wants (`fetch`). It hides that every request is
 * looked at first (remoteReach.ts), bounded in size and time, follows no redirect, and carries nothing but what the
 * library put in: no configured header of the server, no cookie, no token of anybody else.
 */
import type { FetchLike } from "@modelcontextprotocol/client";
import { type Clock, type Egress, fault, type Limits } from "../base/index.ts";
import { type Reach, reachOf } from "./remoteReach.ts";

export interface RemoteFetchOptions {
  readonly egress: Egress;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The remote server: its configured name, URL, and the private hosts that may take part in its login. */
  readonly server: string;
  readonly url: URL;
  readonly allowHosts: readonly string[];
}

// What the library reads of an answer.
const readHeaders = Object.freeze(["content-type", "cache-control", "retry-after", "www-authenticate"] as const);

/** Makes it. It throws LOGIN_FAILED for an address that is not to be asked, and the Faults of the way out. */
export const createRemoteFetch =
  (options: RemoteFetchOptions): FetchLike =>
  async (target, init) => {
    const url = new URL(target);
    const reach = reachOf(url, options.url, options.allowHosts);
    if (reach === null)
      throw fault("LOGIN_FAILED", { backend: options.server, detail: `it names ${url.protocol}//${url.host}, which is not to be asked`, hint: "add the host to oauth.allowHosts, if it belongs to the login" });
    return asked(options, url, init, reach);
  };

async function asked({ egress, clock, limits, server }: RemoteFetchOptions, url: URL, init: RequestInit | undefined, reach: Reach): Promise<Response> {
  const late = new AbortController();
  const timer = clock.timer(limits.loginAnswerMsMax, () => late.abort());
  try {
    const headers = Object.fromEntries(new Headers(init?.headers));
    const reply = await egress.send(url.href, { method: init?.method === "POST" ? "POST" : "GET", headers, body: bodyOf(init), signal: late.signal, backend: server, ...(reach === "public" ? { reach } : {}) });
    const body = await reply.all(limits.loginAnswerBytesMax);
    const shown = readHeaders.flatMap((name): [string, string][] => (reply.header(name) === null ? [] : [[name, reply.header(name) as string]]));
    return new Response(body.byteLength === 0 ? null : body as Uint8Array<ArrayBuffer>, { status: statusOf(reply.status), headers: shown });
  } catch (thrown) {
    throw late.signal.aborted ? fault("BACKEND_TIMEOUT", { backend: server, detail: `${url.host} did not answer within ${limits.loginAnswerMsMax} ms`, hint: "try again" }) : thrown;
  } finally {
    timer.cancel();
  }
}

// The library sends forms and JSON, as text or as parameters.
const bodyOf = (init: RequestInit | undefined): string => (init?.body === undefined || init.body === null ? "" : String(init.body));

// A Response takes no others; what is neither is no answer.
const statusOf = (status: number): number => (status >= 200 && status <= 599 ? status : 502);
