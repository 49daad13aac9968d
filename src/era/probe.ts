/**
 * Which era a backend is in. It is asked once, with the one request that only a modern server knows, and everything that
 * servers of either era are known to do then (answer, refuse, keep silent, exit) is judged here, so that nobody else has
 * to guess. Not every failure is evidence: credentials, overload and broken connections say nothing of the era.
 */
import { fault, faultOf } from "../base/index.ts";
import { elementsOf, memberOf, objectOf, parseObject, type Raw, requestText, type Result } from "../protocol/index.ts";
import { Envelope } from "./envelope.ts";
import { noHeaders, refusalOf, responseOf, type South } from "./south.ts";
import type { WireReply } from "./types.ts";
import { legacyRevisionOf, type ModernRevision, modernRevisionOf, newestModern } from "./version.ts";
import { headers as words } from "./words.ts";

/** A backend that answered for itself. */
export interface Found {
  readonly era: "modern";
  readonly revision: ModernRevision;
  readonly result: Result;
}

/** What the probe came to. `late` resolves when a silent backend speaks after all: with what it found, or null. */
export type Verdict = Found | { readonly era: "legacy"; readonly late: Promise<Found | null> | null };

type Judged = Found | { readonly era: "legacy" } | { readonly era: "retry"; readonly revision: ModernRevision } | { readonly era: "exited" };

const legacy = Object.freeze({ era: "legacy" as const });
const settledLegacy = Object.freeze({ era: "legacy" as const, late: null });

/** Error codes that only a modern server gives (2026-07-28, basic: error codes). */
const headerMismatch = -32020;
const capabilityMissing = -32021;
export const versionUnsupported = -32022;

/** Headers of a modern request without target. */
export const modernHeaders = (revision: ModernRevision, method: string): Record<string, string> => ({ [words.version]: revision, [words.method]: method });

/** Finds out the era. Throws faults that are no evidence (BACKEND_REFUSED, BACKEND_DOWN, BACKEND_TIMEOUT on HTTP), and BACKEND_REFUSED when no revision is mutual. */
export async function verdictOf(south: South): Promise<Verdict> {
  const { era } = south.options;
  if (era === "legacy" || south.wire.transport === "sse") return settledLegacy;
  const asked = ask(south, newestModern);
  if (era === "modern" || south.wire.transport === "http") return insist(south, await asked);
  return settle(south, await orSilence(south, asked), asked);
}

/** Without a fallback only an answer will do; over HTTP there is no silence, only time-outs. */
function insist(south: South, judged: Judged): Verdict {
  if (judged.era === "modern") return judged;
  if (south.options.era !== "modern" && judged.era === "legacy") return settledLegacy;
  throw fault(judged.era === "exited" ? "BACKEND_GONE" : "BACKEND_REFUSED", { backend: south.options.name, op: "server/discover", detail: "it does not speak a revision that is allowed here" });
}

/** stdio: silence and exit are how older servers say that they know no such request. */
async function settle(south: South, judged: Judged | null, asked: Promise<Judged>): Promise<Verdict> {
  if (judged === null) return { era: "legacy", late: lateOf(south, asked) };
  if (judged.era === "modern") return judged;
  if (judged.era === "exited") await south.wire.respawn?.();
  return settledLegacy;
}

/** The answer that came too late is still authoritative: a cold start can outlast any patience. */
function lateOf(south: South, asked: Promise<Judged>): Promise<Found | null> {
  return asked.then(
    (judged) => (judged.era === "modern" ? judged : null),
    (thrown: unknown) => {
      south.log.debug("a late answer to the probe was of no use", { backend: south.options.name, code: faultOf(thrown).code });
      return null;
    },
  );
}

/** The verdict, or null after the time that a server may be silent. */
function orSilence(south: South, asked: Promise<Judged>): Promise<Judged | null> {
  return new Promise((resolve, reject) => {
    const timer = south.clock.timer(south.options.probeMsMax, () => resolve(null));
    const settled = (): void => timer.cancel();
    asked.then(resolve, reject).finally(settled);
  });
}

/** Asks, and once more in a revision that the backend named. */
async function ask(south: South, revision: ModernRevision): Promise<Judged> {
  const judged = await askOnce(south, revision);
  if (judged.era !== "retry") return judged;
  const again = await askOnce(south, judged.revision);
  if (again.era !== "retry") return again;
  throw fault("BACKEND_REFUSED", { backend: south.options.name, op: "server/discover", detail: "it refuses the revision that it named itself" });
}

async function askOnce(south: South, revision: ModernRevision): Promise<Judged> {
  const { wire, limits } = south;
  const id = wire.nextId();
  const text = requestText(id, "server/discover", `{"_meta":${new Envelope(south, revision).ownMeta()}}`);
  const isHttp = wire.transport === "http";
  try {
    // On stdio the wait for silence is a timer of its own, so that a late answer is still heard.
    const timeoutMs = isHttp || south.options.era === "modern" ? south.options.requestMsMax : Math.max(limits.readyMsMax, south.options.probeMsMax);
    const reply = await wire.request({ id, text, headers: isHttp ? modernHeaders(revision, "server/discover") : noHeaders, timeoutMs });
    return judge(south, reply);
  } catch (thrown) {
    if (!isHttp && faultOf(thrown).code === "BACKEND_GONE") return { era: "exited" };
    throw thrown;
  }
}

function judge(south: South, reply: WireReply): Judged {
  const refusal = refusalOf(reply.status, south.options.name, "server/discover");
  if (refusal !== null) throw refusal;
  const response = responseOf(reply, south.limits);
  if (response === null) return legacy;
  if (response.kind === "result") return judgeResult(south, response);
  const { code, data } = response.error;
  if (code === versionUnsupported) return choose(south, supportedOf(south, data));
  if (isModernRefusal(code, reply.status)) throw fault("BACKEND_REFUSED", { backend: south.options.name, op: "server/discover", detail: `error ${code}` });
  return legacy;
}

/** On HTTP these two, with such a status, come from modern servers only; on stdio any code may mean anything. */
const isModernRefusal = (code: number, status: number): boolean => (code === headerMismatch || code === capabilityMissing) && (status === 400 || status === 404);

/** A result counts only if it has the two members that make it one: some older servers answer anything with `{}`. */
function judgeResult(south: South, result: Result): Judged {
  const versions = stringsOf(south, memberOf(result.result, "supportedVersions"));
  if (versions === null || objectOf(result.result, "capabilities") === null) return legacy;
  const mutual = versions.map(modernRevisionOf).find((known) => known !== null) ?? null;
  if (mutual !== null) return { era: "modern", revision: mutual, result };
  return choose(south, versions);
}

/** What to do with the list of revisions of a backend that does not take ours. Throws BACKEND_REFUSED when nothing is mutual. */
function choose(south: South, supported: readonly string[]): Judged {
  const mutual = supported.map(modernRevisionOf).find((known) => known !== null) ?? null;
  if (mutual !== null) return { era: "retry", revision: mutual };
  const isLegacy = supported.length === 0 ? south.wire.transport === "stdio" : supported.some((name) => legacyRevisionOf(name) !== null);
  if (isLegacy) return legacy;
  throw fault("BACKEND_REFUSED", { backend: south.options.name, op: "server/discover", detail: `no revision in common; it names ${supported.join(", ") || "none"}` });
}

/** The `supported` list of an "unsupported version" error; empty when there is none. */
export function supportedOf(south: South, data: Raw | null): readonly string[] {
  const object = data === null ? null : parseObject(data, south.limits);
  return (object === null ? null : stringsOf(south, memberOf(object, "supported"))) ?? [];
}

function stringsOf(south: South, raw: Raw | null): string[] | null {
  const elements = raw === null ? null : elementsOf(raw, south.limits);
  return elements?.filter((element) => element.startsWith('"')).map((element) => JSON.parse(element) as string) ?? null;
}
