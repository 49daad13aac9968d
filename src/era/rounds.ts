/**
 * A 2025 client before a backend that answers "more input is wanted": the client is asked each question as a request of
 * ours on the call's own stream, and the call is made again with the answers, a bounded number of times (2026-07-28,
 * basic/patterns/mrtr, from the other side).
 */
import { CancelSource, fault, type Fault, sleep } from "../base/index.ts";
import { type Answer, emptyObject, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, stringOf } from "../protocol/index.ts";
import { capabilityName } from "./capability.ts";
import type { ClientCall } from "./clientCall.ts";
import { isRetryable } from "./methods.ts";
import type { North } from "./north.ts";
import { kindOf, legacyMissing } from "./question.ts";
import { failureOf, thrownError } from "./refusals.ts";
import type { LegacyRevision } from "./version.ts";

type Input = Extract<Outcome, { kind: "input" }>;

/** One question of a round. */
interface Wanted {
  readonly key: string;
  readonly kind: NonNullable<ReturnType<typeof kindOf>>;
  readonly params: RawObject | null;
}

/** Asks and calls again until the call comes to something else than a question. */
export async function serveRounds(north: North, call: ClientCall, revision: LegacyRevision, first: Input): Promise<Outcome> {
  let outcome: Outcome = first;
  for (let round = 1; outcome.kind === "input"; round += 1) {
    if (round > north.limits.roundsMax) return failureOf(call.method, refused(outcome, `it still wants more after ${north.limits.roundsMax} times`));
    const responses: Raw | null | Fault = await collected(north, call, revision, outcome);
    if (responses !== null && typeof responses !== "string") return failureOf(call.method, responses);
    if (call.cancel.cancelled) return { kind: "failed", error: thrownError(fault("CALL_CANCELLED", { op: call.method })) };
    call.resume = { responses, state: outcome.state, backend: outcome.backend };
    outcome = await north.serve.call(call);
  }
  return outcome;
}

const refused = ({ backend }: Input, detail: string): Fault => fault("ASK_REFUSED", { backend, detail });

/** The responses of one round; null where only time was wanted. */
async function collected(north: North, call: ClientCall, revision: LegacyRevision, outcome: Input): Promise<Raw | null | Fault> {
  const wanted = wantedOf(north, call, revision, outcome);
  if (!Array.isArray(wanted)) return wanted as Fault;
  if (wanted.length > 0) return await answersTo(call, outcome.backend, wanted);
  await sleep(north.clock, north.limits.paceMs);
  return null;
}

/** The questions, if this client can be asked all of them. */
function wantedOf({ limits }: North, call: ClientCall, revision: LegacyRevision, outcome: Input): readonly Wanted[] | Fault {
  const { backend } = outcome;
  const requests = objectOf(outcome.result, "inputRequests");
  if (!isRetryable(call.method)) return fault("BACKEND_GARBLED", { backend, detail: `a question in ${call.method}` });
  if (requests === null) return outcome.state === null ? fault("BACKEND_GARBLED", { backend, detail: "a question without content" }) : [];
  const declared = parseObject(call.client.capabilities, limits) ?? emptyObject;
  const wanted: Wanted[] = [];
  for (const { key } of requests.members) {
    const one = questionOf(requests, key);
    if (one === null) return fault("BACKEND_GARBLED", { backend, detail: "a question of unknown kind" });
    const lack = lackOf(one, declared, revision);
    if (lack !== null) return refused(outcome, `needs a client with ${lack}`);
    wanted.push(one);
  }
  return wanted;
}

function lackOf({ kind, params }: Wanted, declared: RawObject, revision: LegacyRevision): string | null {
  const need = legacyMissing(kind, params ?? emptyObject, declared, revision);
  return need === null || need === "unknown" ? null : capabilityName(need);
}

function questionOf(requests: RawObject, key: string): Wanted | null {
  const question = objectOf(requests, key);
  const kind = question === null ? null : kindOf(stringOf(question, "method") ?? "");
  return question === null || kind === null ? null : { key, kind, params: objectOf(question, "params") };
}

/** Asks all at once. A form that fails counts as cancelled; for the others the newer era has no word, so the call fails. */
async function answersTo(call: ClientCall, backend: string, wanted: readonly Wanted[]): Promise<Raw | Fault> {
  const round = new CancelSource();
  let failure: Fault | null = null;
  const members = await Promise.all(
    wanted.map(async ({ key, kind, params }) => {
      const answer = await call.ask({ kind, params, backend, cancel: round }).catch((thrown: unknown): Answer => ({ ok: false, error: thrownError(thrown) }));
      if (answer.ok) return `${quote(key)}:${answer.result}`;
      if (kind === "elicitation") return `${quote(key)}:{"action":"cancel"}`;
      failure ??= fault("ASK_REFUSED", { backend, detail: `${kind}: ${answer.error.message}` });
      round.cancel("another question of the same call failed");
      return "";
    }),
  );
  return failure ?? `{${members.join(",")}}`;
}
