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

/** Of whoever was refused: where he is, his grant where he has one, and what he would have needed. */
export type Refused = Pick<AuditEntry, "grant" | "need" | "have"> & { readonly addr: string | null };

/** Writes down that a request was refused, where that is a decision about somebody. */
export function recordRefusal(audit: Audit, why: Pick<Fault, "code" | "row">, request: Request, { need, ...who }: Refused): void {
  const ev = need === undefined ? events[why.code] : "authz.stepup";
  if (ev === undefined) return;
  const { method, headers, url } = request;
  audit.record({ ev, ...who, ...(need === undefined ? {} : { need }), client: headers.get("user-agent"), route: `${method} ${URL.parse(url)?.pathname ?? ""}`, result: String(why.row.http), reason: why.code });
}
