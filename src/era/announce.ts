/**
 * What we say of ourselves when a client asks first: the answer to discovery, and the result of the 2025 handshake. Only
 * what this room can carry for that era is announced.
 */
import type { Limits } from "../base/index.ts";
import { type Description, editObject, emptyObject, objectOf, parseObject, quote, type Raw } from "../protocol/index.ts";
import { tasksExtension } from "./tasks.ts";
import { type LegacyRevision, modernRevisions } from "./version.ts";
import { metaKeys, vendorKeys } from "./words.ts";

/** The 2025-11-25 tasks; we are no server of them. */
const notServed = Object.freeze({ tasks: null });

/** The result of `server/discover` (2026-07-28, server/discover). `identity` is our own, as JSON text. */
export function discoverResult(description: Description, server: string | null, identity: Raw, limits: Limits): Raw {
  const proxy = server === null ? "" : `,"${vendorKeys.proxy}":${identity}`;
  return (
    `{"resultType":"complete","supportedVersions":${JSON.stringify(modernRevisions)},` +
    `"capabilities":${capabilitiesOf(description.capabilities, notServed, limits)}${instructionsOf(description)},` +
    `"ttlMs":0,"cacheScope":"private","_meta":{"${metaKeys.serverInfo}":${description.info}${proxy}}}`
  );
}

/** The result of `initialize` (2025-11-25, basic/lifecycle). */
export function initializeResult(description: Description, revision: LegacyRevision, limits: Limits): Raw {
  return (
    `{"protocolVersion":"${revision}","capabilities":${sessionCapabilities(description.capabilities, limits)},` +
    `"serverInfo":${description.info}${instructionsOf(description)}}`
  );
}

/** An extension may be agreed on in a session too, but for tasks, which there are something else. */
function sessionCapabilities(raw: Raw, limits: Limits): Raw {
  const capabilities = parseObject(raw, limits) ?? emptyObject;
  const extensions = objectOf(capabilities, "extensions");
  const kept = extensions === null ? "{}" : editObject(extensions, { [tasksExtension]: null });
  return editObject(capabilities, { ...notServed, extensions: kept === "{}" ? null : kept });
}

const instructionsOf = ({ instructions }: Description): string => (instructions === null ? "" : `,"instructions":${quote(instructions)}`);

const capabilitiesOf = (capabilities: Raw, without: Readonly<Record<string, null>>, limits: Limits): Raw => editObject(parseObject(capabilities, limits) ?? emptyObject, without);
