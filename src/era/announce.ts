/**
 * What we say of ourselves when a client asks first: the answer to discovery, and the result of the 2025 handshake. Only
 * what this room can carry for that era is announced.
 */
import type { Limits } from "../base/index.ts";
import { type Description, editObject, emptyObject, parseObject, quote, type Raw } from "../protocol/index.ts";
import { type LegacyRevision, modernRevisions } from "./version.ts";
import { metaKeys, vendorKeys } from "./words.ts";

/** Slots of the 2025-11-25 tasks; we are no server of them. */
const notModern = Object.freeze({ tasks: null });
/** Extensions are a word of the modern era. */
const notLegacy = Object.freeze({ tasks: null, extensions: null });

/** The result of `server/discover` (2026-07-28, server/discover). `identity` is our own, as JSON text. */
export function discoverResult(description: Description, server: string | null, identity: Raw, limits: Limits): Raw {
  const proxy = server === null ? "" : `,"${vendorKeys.proxy}":${identity}`;
  return (
    `{"resultType":"complete","supportedVersions":${JSON.stringify(modernRevisions)},` +
    `"capabilities":${capabilitiesOf(description.capabilities, notModern, limits)}${instructionsOf(description)},` +
    `"ttlMs":0,"cacheScope":"private","_meta":{"${metaKeys.serverInfo}":${description.info}${proxy}}}`
  );
}

/** The result of `initialize` (2025-11-25, basic/lifecycle). */
export function initializeResult(description: Description, revision: LegacyRevision, limits: Limits): Raw {
  return (
    `{"protocolVersion":"${revision}","capabilities":${capabilitiesOf(description.capabilities, notLegacy, limits)},` +
    `"serverInfo":${description.info}${instructionsOf(description)}}`
  );
}

const instructionsOf = ({ instructions }: Description): string => (instructions === null ? "" : `,"instructions":${quote(instructions)}`);

const capabilitiesOf = (capabilities: Raw, without: Readonly<Record<string, null>>, limits: Limits): Raw => editObject(parseObject(capabilities, limits) ?? emptyObject, without);
