/**
 * "More input is wanted": what a backend may ask of this client, and the state that carries the call to its retry
 * (2026-07-28, basic/patterns/mrtr).
 */
import { fault, type Fault, type Limits } from "../base/index.ts";
import { emptyObject, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, type Resume, stringOf } from "../protocol/index.ts";
import { isObject } from "./hop.ts";
import { isRetryable } from "./methods.ts";
import { bindingOf, type Seal } from "./seal.ts";
import type { ClientRequest } from "./clientCall.ts";
import type { Outcome, Call } from "../protocol/index.ts";

type Input = Extract<Outcome, { kind: "input" }>;

/** What a retry carries; a Fault when it is not one of ours. Null for a first try. */
export function resumeOf(request: Pick<ClientRequest, "method" | "params" | "principal" | "selection">, seal: Seal): Resume | Fault | null {
  if (!isRetryable(request.method)) return null;
  const responses = memberOf(request.params, "inputResponses");
  const sealed = memberOf(request.params, "requestState");
  if (responses === null && sealed === null) return null;
  if (responses !== null && !isObject(responses)) return fault("PARAMS_INVALID", { detail: '"inputResponses" must be an object' });
  if (sealed === null) return { responses, state: null, backend: null };
  const content = seal.unseal(stringOf(request.params, "requestState") ?? "", bindingOf(request));
  return content === null ? fault("STATE_INVALID") : { responses, state: content.state, backend: content.backend };
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

type Need = Readonly<Record<string, unknown>> | "unknown" | null;

/** What is missing to ask this question, in the form of a capabilities object. */
function needOf(question: RawObject | null, declared: RawObject): Need {
  return question === null ? "unknown" : missingFor(stringOf(question, "method") ?? "", objectOf(question, "params") ?? emptyObject, declared);
}

/** What a client that declared these capabilities lacks to be asked this; "unknown" for what is no question. */
export function missingFor(method: string, params: RawObject, declared: RawObject): Need {
  const need = Object.hasOwn(needs, method) ? needs[method] : undefined;
  return need === undefined ? "unknown" : need(params, declared);
}

const needs: Readonly<Record<string, (params: RawObject, declared: RawObject) => Need>> = Object.freeze({
  "elicitation/create": elicitationNeed,
  "sampling/createMessage": samplingNeed,
  "roots/list": (_params: RawObject, declared: RawObject) => (objectOf(declared, "roots") === null ? { roots: {} } : null),
});

function elicitationNeed(params: RawObject, declared: RawObject): Need {
  const mode = stringOf(params, "mode") ?? "form";
  const elicitation = objectOf(declared, "elicitation");
  if (elicitation !== null && (memberOf(elicitation, mode) !== null || (mode === "form" && elicitation.members.length === 0))) return null;
  return { elicitation: { [mode]: {} } };
}

function samplingNeed(params: RawObject, declared: RawObject): Need {
  const sampling = objectOf(declared, "sampling");
  const withTools = memberOf(params, "tools") !== null || memberOf(params, "toolChoice") !== null;
  if (sampling !== null && (!withTools || memberOf(sampling, "tools") !== null)) return null;
  return { sampling: withTools ? { tools: {} } : {} };
}

/** The members of the question's result that change: the backend's state is sealed inside ours. */
export function sealedState(outcome: Input, call: Pick<Call, "method" | "params" | "principal" | "selection">, seal: Seal): Readonly<Record<string, Raw | null>> {
  if (outcome.state === null) return { requestState: null };
  return { requestState: quote(seal.seal({ backend: outcome.backend, state: outcome.state }, bindingOf(call))) };
}
