/**
 * Which era an inbound message belongs to: one pass, the body before the header (2026-07-28, basic/versioning). A
 * version claimed in the message's own envelope is modern whatever it names; a modern version in the header is a modern
 * client that forgot its envelope; all else is a 2025 session's.
 */
import { type Fault, fault } from "../base/index.ts";
import { type Message, type Request, stringOf } from "../protocol/index.ts";
import { modernRevisionOf, modernRevisions } from "./version.ts";
import { metaKeys } from "./words.ts";

export type Era = "modern" | "legacy";

/** Says who serves this message. `header` is the value of the version header, or null. */
export function classify(message: Message, header: string | null): Era {
  if (claimsVersion(message)) return "modern";
  return modernRevisionOf(header) === null ? "legacy" : "modern";
}

/** The message carries a modern envelope. */
export function claimsVersion(message: Message): boolean {
  if (message.kind !== "request" && message.kind !== "notification") return false;
  const { meta } = message;
  return meta !== null && meta.members.some((member) => member.key === metaKeys.version);
}

/**
 * Why a request of the older era is refused where that is switched off. Its handshake learns which versions there are,
 * so that a client which knows one of them can go on (2026-07-28, basic/versioning).
 */
export function olderFault({ method, params }: Request): Fault {
  if (method !== "initialize") return fault("ENVELOPE_INVALID", { detail: `params._meta["${metaKeys.version}"]` });
  const requested = params === null ? null : stringOf(params, "protocolVersion");
  return fault("VERSION_UNSUPPORTED", { data: { supported: modernRevisions, requested } });
}
