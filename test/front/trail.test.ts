import { expect, test } from "bun:test";
import { type AuditEntry, type FaultCode, fault, nullAudit } from "../../src/base/index.ts";
import { recordRefusal, type Refused } from "../../src/front/trail.ts";

const entriesOf = (code: FaultCode, url = "http://127.0.0.1/mcp", more: Partial<Refused> = {}): AuditEntry[] => {
  const entries: AuditEntry[] = [];
  recordRefusal({ ...nullAudit, record: (entry) => void entries.push(entry) }, fault(code), new Request(url, { method: "POST", headers: { "user-agent": "evil\u0009agent", authorization: "Bearer hunter2hunter2" } }), { addr: "203.0.113.9", ...more });
  return entries;
};

test("a refusal is written down with who, where and why, and without anything that was sent", () => {
  expect(entriesOf("TOKEN_INVALID", "http://127.0.0.1/mcp/files?access_token=hunter2hunter2")).toEqual([{ ev: "auth.invalid", addr: "203.0.113.9", client: "evil\tagent", route: "POST /mcp/files", result: "401", reason: "TOKEN_INVALID" }]);
  expect(JSON.stringify(entriesOf("TOKEN_INVALID", "http://127.0.0.1/mcp?access_token=hunter2hunter2"))).not.toContain("hunter2");
});

test("each rule about somebody has its event, and a client's mistake has none", () => {
  const codes = ["TOKEN_MISSING", "ORIGIN_REFUSED", "PEER_REFUSED", "LIMIT_REACHED", "MESSAGE_TOO_LARGE", "CONTENT_TYPE_REFUSED"] as const;
  expect(codes.map((code) => entriesOf(code)[0]?.ev)).toEqual(["auth.missing", "request.refused", "request.refused", "ratelimit", undefined, undefined]);
});

test("whose grant is known is named, with what he would have needed", () => {
  const who = { grant: "g_1", need: ["server:b"], have: ["tag:a"] };
  expect(entriesOf("SCOPE_MISSING", "http://127.0.0.1/mcp", who)).toEqual([{ ev: "authz.stepup", addr: "203.0.113.9", client: "evil\tagent", route: "POST /mcp", result: "403", reason: "SCOPE_MISSING", ...who }]);
  expect(entriesOf("SCOPE_MISSING", "http://127.0.0.1/metrics", { grant: "g_1" })[0]).toMatchObject({ ev: "authz.denied", grant: "g_1" });
});
