/**
 * What stands in `_meta` of a request for the next hop alone, read in one pass, and the rest, which travels on. Both
 * eras read it: a 2025 request has a progress token there, a 2026 request its whole envelope.
 */
import { editObject, type Raw, type RawObject } from "../protocol/index.ts";
import { metaKeys } from "./words.ts";

/** JSON text of each member for this hop, null where absent. */
export interface HopMeta {
  readonly version: Raw | null;
  readonly clientInfo: Raw | null;
  readonly clientCapabilities: Raw | null;
  readonly logLevel: Raw | null;
  readonly progressToken: Raw | null;
  /** `_meta` without the above; null when nothing is left. */
  readonly rest: Raw | null;
}

type Slot = Exclude<keyof HopMeta, "rest">;
type Read = { -readonly [key in keyof HopMeta]: HopMeta[key] };

const slots: Readonly<Record<string, Slot>> = Object.freeze({
  [metaKeys.version]: "version",
  [metaKeys.clientInfo]: "clientInfo",
  [metaKeys.clientCapabilities]: "clientCapabilities",
  [metaKeys.logLevel]: "logLevel",
  [metaKeys.progressToken]: "progressToken",
});

const withoutHop = Object.freeze({
  [metaKeys.version]: null,
  [metaKeys.clientInfo]: null,
  [metaKeys.clientCapabilities]: null,
  [metaKeys.logLevel]: null,
  [metaKeys.progressToken]: null,
});

const blank = (): Read => ({ version: null, clientInfo: null, clientCapabilities: null, logLevel: null, progressToken: null, rest: null });

const empty: HopMeta = Object.freeze(blank());

/** Reads `params._meta`; takes what `parseMessage` located, null when there is none. */
export function readMeta(meta: RawObject | null): HopMeta {
  if (meta === null || meta.members.length === 0) return empty;
  const read = blank();
  let others = 0;
  for (const member of meta.members) {
    const slot = Object.hasOwn(slots, member.key) ? slots[member.key] : undefined;
    if (slot === undefined) others += 1;
    else read[slot] = meta.text.slice(member.start, member.end);
  }
  if (others > 0) read.rest = others === meta.members.length ? meta.text.slice(meta.open, meta.close) : editObject(meta, withoutHop);
  return read;
}

/** The string that a JSON text stands for, or null if it is something else. */
export function textOf(raw: Raw | null): string | null {
  if (raw === null || raw.charCodeAt(0) !== 0x22) return null;
  return raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
}

/** The JSON text is an object. */
export const isObject = (raw: Raw | null): raw is Raw => raw !== null && raw.charCodeAt(0) === 0x7b;
