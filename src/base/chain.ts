/**
 * The lines of the audit log: one JSON object each, with the digest of the line before it, so that a line which was
 * changed, added or taken away shows. Several processes may write to one file at once (a server that hands over to its
 * successor, servers on pipes), so each life of the program has a chain of its own, and its first line is tied to the
 * last one that it found. Pure: no file, no clock.
 */
import { fixedBounds } from "./limits.ts";
import { escapeControls } from "./controls.ts";

/** What is written down. Decisions about access first, then what became of servers, definitions and calls. */
export type AuditEvent =
  | "start" | "stop" | "config.changed" | "config.rejected"
  | "auth.missing" | "auth.invalid" | "auth.expired" | "auth.revoked" | "authz.denied" | "authz.stepup" | "request.refused" | "ratelimit"
  | "authorize.request" | "authorize.approved" | "authorize.denied"
  | "token.issued" | "token.refreshed" | "token.replay" | "token.revoked"
  | "client.registered" | "client.rejected" | "client.cimd"
  | "operator.login" | "operator.fail" | "operator.lock" | "person.login" | "person.fail"
  | "backend.start" | "backend.stop" | "backend.fall" | "backend.login" | "backend.refresh" | "backend.fail"
  | "tool.call" | "pin.created" | "pin.changed" | "pin.approved" | "definition.flagged"
  | "sandbox.denied" | "egress.blocked" | "audit.lost";

/** One thing that happened. No field may hold a token, a part of one, or what a call carries. */
export interface AuditEntry {
  readonly ev: AuditEvent;
  /** Who sent it, as far as the network tells; a trusted proxy has been looked through. */
  readonly addr?: string | null;
  /** The client: its id, or its name. */
  readonly client?: string | null;
  /** The id of the grant, as operators see it. */
  readonly grant?: string | null;
  readonly user?: string | null;
  /** Method and path of the request. */
  readonly route?: string | null;
  readonly method?: string | null;
  /** What was meant: "server/tool", a server, a client. */
  readonly target?: string | null;
  /** Scopes that were needed, and those that were there. */
  readonly need?: readonly string[];
  readonly have?: readonly string[];
  /** What came of it, in a word or a status. */
  readonly result?: string | null;
  readonly reason?: string | null;
  /** The id of the call, as in log lines and errors. */
  readonly call?: string | null;
  /** So many alike within a moment; absent: one. */
  readonly count?: number;
}

/** What a line has beside its entry. */
export interface Stamp {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The life of the program, and the line's number in it from 1. */
  readonly life: string;
  readonly number: number;
  /** The digest of the line before; null for the first of all. */
  readonly prev: string | null;
}

/** The digest of a line, without its line break. */
export const digestOfLine = (line: string): string => `sha256:${Bun.SHA256.hash(line, "hex")}`;

/** Eight hex digits that stand for a value that must not be seen, the same each time. */
export const shortDigest = (value: string): string => Bun.SHA256.hash(`audit\0${value}`, "hex").slice(0, 8);

/** The line of an entry. `clean` takes secrets out of a text; what is left is shortened, and cannot break the line. */
export function auditLine(entry: AuditEntry, { at, life, number, prev }: Stamp, clean: (text: string) => string): string {
  const fields: Record<string, unknown> = { v: 1, t: new Date(at).toISOString(), id: `${life}-${number}` };
  for (const name in entry) fields[name] = cleaned(entry[name as keyof AuditEntry] ?? undefined, clean);
  fields["prev"] = prev;
  const line = JSON.stringify(fields);
  return printable.test(line) ? line : escapeControls(line);
}

const printable = /^[ -~]*$/;

function cleaned(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return shortened(clean(value));
  return Array.isArray(value) ? value.slice(0, fixedBounds.auditListMax).map((one) => cleaned(one, clean)) : value;
}

// Never half a surrogate pair: the line must stay text.
const shortened = (text: string): string => (text.length <= fixedBounds.auditTextMax ? text : `${text.slice(0, fixedBounds.auditTextMax).toWellFormed()}…`);

/** A line as it is read back. */
export interface AuditLine {
  readonly life: string;
  readonly number: number;
  readonly prev: string | null;
  readonly t: string;
  readonly ev: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Reads a line; null for one that is none of ours. Never throws. */
export function parseAuditLine(line: string): AuditLine | null {
  const fields = objectIn(line);
  if (fields === null) return null;
  const { id, prev, t, ev } = fields;
  const [, life, number] = typeof id === "string" ? (/^([0-9a-z]+)-([1-9]\d{0,14})$/.exec(id) ?? []) : [];
  if (life === undefined || typeof t !== "string" || typeof ev !== "string" || !(prev === null || typeof prev === "string")) return null;
  return { life, number: Number(number), prev, t, ev, fields };
}

function objectIn(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

/** Follows the chain through all lines that are there, the oldest first. */
export class ChainCheck {
  /** Lines that fit. */
  lines = 0;
  readonly #lives = new Map<string, { readonly digest: string; readonly number: number }>();
  /** Of every line so far: the first line of a life may be tied to any of them. */
  readonly #seen = new Set<string>();

  /** Takes the next line; gives what is wrong with it, null for nothing. */
  take(line: string): string | null {
    const read = parseAuditLine(line);
    const digest = digestOfLine(line);
    const wrong = read === null ? "it is no line of an audit log, or a part of one" : this.#wrongWith(read);
    this.#seen.add(digest);
    if (read !== null) this.#lives.set(read.life, { digest, number: read.number });
    if (wrong === null) this.lines += 1;
    return wrong;
  }

  #wrongWith({ life, number, prev }: AuditLine): string | null {
    const before = this.#lives.get(life);
    if (before === undefined) return this.#wrongWithFirst(number, prev);
    if (number !== before.number + 1) return `it is number ${number} of its life, after number ${before.number}`;
    return prev === before.digest ? null : "the line before it was changed";
  }

  // What is older than the oldest line that is kept cannot be known.
  #wrongWithFirst(number: number, prev: string | null): string | null {
    if (this.#seen.size === 0) return null;
    if (number !== 1) return this.#lives.size === 0 ? null : "what came before it in its life is gone";
    return prev !== null && this.#seen.has(prev) ? null : "the line that it was written after is gone, or was changed";
  }
}
