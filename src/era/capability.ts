/** What a client must have declared to be asked something, by the words of the specification's capabilities object. */
import { memberOf, objectOf, type RawObject, stringOf } from "../protocol/index.ts";

/** What is missing, in the form of a capabilities object; "unknown" for what is no question; null: nothing. */
export type Need = Readonly<Record<string, unknown>> | "unknown" | null;

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

/** `{elicitation: {url: {}}}` as `elicitation.url`. */
export const capabilityName = (need: Readonly<Record<string, unknown>>): string =>
  Object.entries(need)
    .map(([name, inner]) => [name, ...Object.keys((inner ?? {}) as object)].join("."))
    .join(", ");
