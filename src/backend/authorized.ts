/**
 * Requests with the login at a remote server on them. It hides that a refused one may be made again with another token,
 * a few times at most, and that beyond that somebody has to log in. Where no login is to be had, it costs nothing.
 */
import type { RemoteLogin, Remedy } from "../auth/index.ts";
import { type EgressReply, type Fault, fault } from "../base/index.ts";

/**
 * Makes a request, which `run` does with the Authorization header that it is given; null for none. An answer that no
 * login helps with is given as it is. Throws LOGIN_NEEDED, and what `run` throws.
 */
export function withLogin(login: RemoteLogin | null, backend: string, run: (authorization: string | null) => Promise<EgressReply>): Promise<EgressReply> {
  if (login === null) return run(null);
  const known = login.authorization();
  return typeof known === "object" && known !== null ? known.then((got) => tried(login, backend, run, got, 0)) : tried(login, backend, run, known, 0);
}

async function tried(login: RemoteLogin, backend: string, run: (authorization: string | null) => Promise<EgressReply>, sent: string | null, tries: number): Promise<EgressReply> {
  const reply = await run(sent);
  if (reply.status !== 401 && reply.status !== 403) return reply;
  const remedy = await login.refused({ status: reply.status, challenge: reply.header("www-authenticate"), sent, tries });
  if (remedy === "refused") return reply;
  reply.cancel();
  if (remedy !== "again") throw neededFault(backend, remedy, login.advice);
  return tried(login, backend, run, await login.authorization(), tries + 1);
}

function neededFault(backend: string, remedy: Remedy, advice: string): Fault {
  const detail = remedy === "login" ? advice : `for more than it was logged in for: ${advice}`;
  return fault("LOGIN_NEEDED", { backend, detail, hint: advice, data: { sent: false, login: remedy } });
}

/** Nothing goes on at the server before somebody has logged in; else it is only this request. */
export const isForAllOf = (reason: Fault): boolean => reason.code === "LOGIN_NEEDED" && reason.data?.["login"] === "login";
