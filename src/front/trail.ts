/** What the front door writes into the audit log: who was turned away, by what rule. Paths without their query, and of what was sent nothing. */
import type { Audit, AuditEntry, AuditEvent, Fault, FaultCode } from "../base/index.ts";

/** Refusals that are decisions about somebody. The others (a body too large, a wrong type) are mistakes of a client, and in the log. */
const events: Readonly<Partial<Record<FaultCode, AuditEvent>>> = Object.freeze({
  TOKEN_MISSING: "auth.missing",
  TOKEN_INVALID: "auth.invalid",
  SCOPE_MISSING: "authz.denied",
  ORIGIN_REFUSED: "request.refused",
  PEER_REFUSED: "request.refused",
  LIMIT_REACHED: "ratelimit",
});

/** Writes down that a request from `addr` was refused, where that is a decision about somebody. */
export function recordRefusal(audit: Audit, why: Pick<Fault, "code" | "row">, request: Request, addr: string | null): void {
  const ev = events[why.code];
  if (ev === undefined) return;
  const { method, headers, url } = request;
  const entry: AuditEntry = { ev, addr, client: headers.get("user-agent"), route: `${method} ${URL.parse(url)?.pathname ?? ""}`, result: String(why.row.http), reason: why.code };
  audit.record(entry);
}
