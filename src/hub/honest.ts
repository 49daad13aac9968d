/**
 * What a failure of a server means for whoever called: whether the call may have run, whether it may be made again, and
 * whether it was. Nothing here decides by anything but what the protocol and the tool itself say: a server's word that a
 * tool only reads, or does the same when done twice, is all there is.
 */
import type { Fault, Limits } from "../base/index.ts";
import { type Call, editObject, emptyObject, objectOf, memberOf, type Outcome, parseObject, type Raw, type RawObject } from "../protocol/index.ts";

/** Methods that only read. */
const reading: Readonly<Record<string, true>> = Object.freeze({ "resources/read": true, "prompts/get": true, "completion/complete": true, "tasks/get": true });

/** Under this key of `_meta` a result says that the call was made twice, since the server fell under it the first time. */
export const retriedKey = "dev.onemcp/retried";

/** Goes into the data of an error. */
export interface Honesty {
  /** The server may have got the call; false: it certainly has not. */
  readonly sent: boolean;
  /** Whether making the call again can do no harm. */
  readonly retry: "safe" | "unsafe";
}

/** What is to be said with a failure; null where it is not about a server. */
export function honestyOf(failure: Fault, call: Pick<Call, "method">, tool: Raw | null, limits: Limits): Honesty | null {
  if (!failure.code.startsWith("BACKEND_") && failure.code !== "LIMIT_REACHED") return null;
  const sent = failure.code !== "LIMIT_REACHED" && failure.data?.["sent"] !== false;
  return { sent, retry: !sent || isHarmless(call.method, tool, limits) ? "safe" : "unsafe" };
}

/**
 * Whether a call is worth being made again: the server fell under it, and doing it twice does no harm. Who has heard of
 * progress would hear of it from the beginning again, which must not be (basic/utilities/progress).
 */
export function mayRunAgain(failure: Fault, call: Call, tool: Raw | null, limits: Limits): boolean {
  if (!hasFallen(failure) || call.cancel.cancelled) return false;
  const honesty = honestyOf(failure, call, tool, limits);
  return honesty?.retry === "safe" && !(honesty.sent && call.progress);
}

/** The server ended, or turned out to be gone, while it had the call. One that was known to be away tells its state. */
const hasFallen = ({ code, data }: Fault): boolean => code === "BACKEND_GONE" || (code === "BACKEND_DOWN" && data?.["sent"] === false && data["state"] === undefined);

function isHarmless(method: string, tool: Raw | null, limits: Limits): boolean {
  if (Object.hasOwn(reading, method)) return true;
  const definition = tool === null ? null : parseObject(tool, limits);
  const annotations = definition === null ? null : objectOf(definition, "annotations");
  return annotations !== null && (memberOf(annotations, "readOnlyHint") === "true" || memberOf(annotations, "idempotentHint") === "true");
}

/** The outcome of a call that was made again, with a word about that. An error of the server's own stays as it came. */
export function markRetried(outcome: Outcome, limits: Limits): Outcome {
  return outcome.kind === "failed" ? outcome : { ...outcome, result: marked(outcome.result, limits) };
}

function marked(result: RawObject, limits: Limits): RawObject {
  const meta = editObject(objectOf(result, "_meta") ?? emptyObject, { [retriedKey]: "true" });
  return parseObject(editObject(result, { _meta: meta }), limits) ?? result;
}
