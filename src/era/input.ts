/**
 * "More input is wanted": what a backend may ask of this client, and the state that carries the call to its retry
 * (2026-07-28, basic/patterns/mrtr).
 */
import { fault, Fault, type Limits } from "../base/index.ts";
import { type Call, editObject, elementsOf, emptyObject, memberOf, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, type Resume, type RpcError, stringOf } from "../protocol/index.ts";
import { missingFor, type Need } from "./capability.ts";
import type { ClientCall, ClientRequest } from "./clientCall.ts";
import { isRetryable } from "./methods.ts";
import { askerOf, relayedRequests } from "./question.ts";
import { bindingOf, type Seal, type Sealed, type SealedKind } from "./seal.ts";

type Input = Extract<Outcome, { kind: "input" }>;

/** What a request turns out to be, on the methods that can be made again. */
export type Try =
  /** To be made at the backend: for the first time, or again with what it wanted. */
  | { readonly kind: "call"; readonly resume: Resume | null; readonly round: number }
  /** It waits inside us for these answers. */
  | { readonly kind: "parked"; readonly sealed: Sealed; readonly responses: RawObject }
  /** The client goes to the pages that it was sent to; to be made at the backend when the visit of this name is over. */
  | { readonly kind: "visiting"; readonly visit: string; readonly round: number }
  /** The client was to visit pages and would not. */
  | { readonly kind: "declined" };

const firstTry: Try = Object.freeze({ kind: "call", resume: null, round: 0 });

/** Nothing of such a retry goes on to the backend: it never asked. */
export const afterVisit: Resume = Object.freeze({ responses: null, state: null, backend: null });

/** Reads what makes a request a retry; a Fault when its state is none of ours. */
export function tryOf(request: Pick<ClientRequest, "method" | "params" | "principal" | "selection">, seal: Seal): Try | Fault {
  if (!isRetryable(request.method)) return firstTry;
  const responses = memberOf(request.params, "inputResponses");
  const state = memberOf(request.params, "requestState");
  if (responses === null && state === null) return firstTry;
  const given = responses === null ? emptyObject : objectOf(request.params, "inputResponses");
  if (given === null) return fault("PARAMS_INVALID", { detail: '"inputResponses" must be an object' });
  if (state === null) return { kind: "call", resume: { responses, state: null, backend: null }, round: 0 };
  const sealed = unsealed(request, seal);
  return sealed instanceof Fault ? sealed : retryOf(sealed, given, responses);
}

function unsealed(request: Pick<ClientRequest, "method" | "params" | "principal" | "selection">, seal: Seal): Sealed | Fault {
  const sealed = seal.unseal(stringOf(request.params, "requestState") ?? "", bindingOf(request));
  if (sealed === null) return fault("STATE_INVALID");
  return sealed === "expired" ? fault("STATE_INVALID", { detail: "it has expired" }) : sealed;
}

function retryOf(sealed: Sealed, given: RawObject, responses: Raw | null): Try {
  const { kind, state, backend, round } = sealed;
  if (kind === "parked") return { kind, sealed, responses: given };
  if (kind === "relay") return { kind: "call", resume: { responses, state, backend }, round };
  const isRefused = given.members.some(({ key }) => stringOf(objectOf(given, key) ?? emptyObject, "action") !== "accept");
  return isRefused ? { kind: "declined" } : { kind: "visiting", visit: state, round };
}

/** Why a question cannot be passed to the client that made this call, or null. */
export function questionFault(outcome: Input, call: Pick<Call, "method" | "client">, limits: Limits): Fault | null {
  const { backend } = outcome;
  const garbled = (detail: string): Fault => fault("BACKEND_GARBLED", { backend, detail });
  if (!isRetryable(call.method)) return garbled(`a question in ${call.method}`);
  const requests = objectOf(outcome.result, "inputRequests");
  if (requests === null) return outcome.state === null ? garbled("a question without content") : null;
  const need = firstNeed(requests, parseObject(call.client.capabilities, limits) ?? emptyObject);
  if (need === null) return null;
  return need === "unknown" ? garbled("a question of unknown kind") : fault("CAPABILITY_MISSING", { backend, data: { requiredCapabilities: need } });
}

function firstNeed(requests: RawObject, declared: RawObject): Need {
  for (const { key } of requests.members) {
    const need = needOf(objectOf(requests, key), declared);
    if (need !== null) return need;
  }
  return null;
}

/** What is missing to ask this question, in the form of a capabilities object. */
function needOf(question: RawObject | null, declared: RawObject): Need {
  return question === null ? "unknown" : missingFor(stringOf(question, "method") ?? "", objectOf(question, "params") ?? emptyObject, declared);
}

/** The members of the question's result that change: who asks is put in, and the backend's state is sealed inside ours. */
export function questionChanges(outcome: Input, call: Pick<ClientCall, "method" | "params" | "principal" | "selection" | "round">, seal: Seal, kind: SealedKind): Readonly<Record<string, Raw | null>> {
  const { backend, state, result } = outcome;
  const requests = objectOf(result, "inputRequests");
  const asked = requests === null ? {} : { inputRequests: relayedRequests(requests, askerOf(backend, call.selection.server)) };
  const sealed = state === null ? null : quote(seal.seal({ kind, backend, state, round: call.round + 1 }, bindingOf(call)));
  return { ...asked, requestState: sealed };
}

/**
 * An error that says "visit these pages, then call again" (2025-11-25, client/elicitation) as a question with a state;
 * null when it names none, or too many. No call waits anywhere meanwhile; `begin` gives the visit its name.
 */
export function visitsOf(error: RpcError, backend: string, limits: Limits, begin: () => string): Input | null {
  const data = error.data === null ? null : parseObject(error.data, limits);
  const pages = data === null ? null : elementsOf(memberOf(data, "elicitations") ?? "", limits)?.filter((page) => isPage(page, limits));
  if (!pages || pages.length === 0 || pages.length > limits.questionsMax) return null;
  const entries = pages.map((page, index) => `"visit${index + 1}":{"method":"elicitation/create","params":${withMode(page, limits)}}`);
  const result = parseObject(`{"inputRequests":{${entries.join(",")}}}`, limits);
  return result === null ? null : { kind: "input", result, state: begin(), backend };
}

const isPage = (page: Raw, limits: Limits): boolean => stringOf(parseObject(page, limits) ?? emptyObject, "url") !== null;

const withMode = (page: Raw, limits: Limits): Raw => editObject(parseObject(page, limits) ?? emptyObject, { mode: '"url"' });
