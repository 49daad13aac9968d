/**
 * What a client can do, in the words that a backend is told: of everything it declared the part that can be carried to
 * it through us. An older backend hears it once, in one canonical form, so that clients who can do the same may share a
 * session; a newer one hears it with each request, as the client wrote it.
 */
import { fingerprint, type Limits } from "../base/index.ts";
import { type Call, editObject, emptyObject, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, rawOf } from "../protocol/index.ts";
import type { Target } from "./types.ts";

/** Every question that can be relayed: for a backend that many share. */
export const relayableCapabilities: Raw = '{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}},"roots":{}}';

/** A client's capabilities as an older backend is told of them. Clients of one key may share a session. */
export interface Profile {
  readonly key: string;
  readonly capabilities: Raw;
}

/** How far a caller's extensions reach. */
export interface Reach {
  /** The caller sees this one backend alone, so that whatever it does not share with us it shares with that backend. */
  readonly isAlone: boolean;
  /** The caller and the backend both speak the revision that tasks are an extension of. */
  readonly hasTasks: boolean;
  /** Further extensions that can only mean this backend. */
  readonly own?: readonly string[] | null;
}

const tasks = "io.modelcontextprotocol/tasks";

/** Extensions that live in content and `_meta` alone, which all go through. */
const transparent: Readonly<Record<string, true>> = Object.freeze({ "io.modelcontextprotocol/ui": true });

function isCarried(extension: string, reach: Reach): boolean {
  if (extension === tasks) return reach.hasTasks;
  return reach.isAlone || Object.hasOwn(transparent, extension) || reach.own?.includes(extension) === true;
}

/** The extensions that reach the backend, as they were declared; null for none. */
function extensionsOf(declared: RawObject, reach: Reach): Raw | null {
  const extensions = objectOf(declared, "extensions");
  if (extensions === null) return null;
  const removed: Record<string, null> = {};
  for (const { key } of extensions.members) if (!isCarried(key, reach)) removed[key] = null;
  const kept = extensions.members.length - Object.keys(removed).length;
  return kept === 0 ? null : editObject(extensions, removed);
}

/** Nobody but the two ends knows what is in there, so it reaches only a backend that the caller sees alone. */
const experimentalOf = (declared: RawObject, reach: Reach): Raw | null => (reach.isAlone ? textOf(objectOf(declared, "experimental")) : null);

const textOf = (object: RawObject | null): Raw | null => (object === null ? null : rawOf(object));

/** The changes of a client's roots are told to those alone whose only client it is, so nobody else must count on it. */
const withoutChanges = Object.freeze({ listChanged: null });

function rootsOf(declared: RawObject): Raw | null {
  const roots = objectOf(declared, "roots");
  return roots === null ? null : editObject(roots, withoutChanges);
}

const joined = (members: Readonly<Record<string, Raw | null>>): Raw =>
  `{${Object.entries(members)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${quote(name)}:${value}`)
    .join(",")}}`;

/** The capabilities that a newer backend is told of with a request, of those that its caller declared. */
export function carriedCapabilities(capabilities: Raw, limits: Limits, reach: Reach): Raw {
  const declared = parseObject(capabilities, limits) ?? emptyObject;
  return joined({
    elicitation: textOf(objectOf(declared, "elicitation")),
    sampling: textOf(objectOf(declared, "sampling")),
    roots: rootsOf(declared),
    experimental: experimentalOf(declared, reach),
    extensions: extensionsOf(declared, reach),
  });
}

/** How far the extensions of this caller reach. A session's client is of the older era, where the word for tasks means something else. */
export const reachOf = ({ selection, session }: Pick<Call, "selection" | "session">, own: readonly string[] | null = null) => ({ isAlone: selection.server !== null, hasTasks: session === null, own });

/** What this caller can do, in the words that a newer backend hears with each of its calls. */
export const abilitiesOf = (caller: Pick<Call, "client" | "selection" | "session"> & Pick<Target, "extensions">, limits: Limits): Raw =>
  carriedCapabilities(caller.client.capabilities, limits, reachOf(caller, caller.extensions));

/** The members of these names that are objects, as empty ones. */
function flags(object: RawObject, names: readonly string[]): Raw {
  return joined(Object.fromEntries(names.map((name) => [name, objectOf(object, name) === null ? null : "{}"])));
}

const elicitationModes = Object.freeze(["form", "url"]);
const samplingParts = Object.freeze(["tools", "context"]);

// The form alone is what an empty object means, in every revision that knows elicitation.
function plainElicitation(elicitation: RawObject | null): Raw | null {
  if (elicitation === null || elicitation.members.length === 0) return textOf(elicitation);
  const modes = flags(elicitation, elicitationModes);
  if (modes === "{}") return null;
  return modes === '{"form":{}}' ? "{}" : modes;
}

function plainRoots(roots: RawObject | null, isOne: boolean): Raw | null {
  if (roots === null) return null;
  return isOne && memberOf(roots, "listChanged") === "true" ? '{"listChanged":true}' : "{}";
}

/** How a client and a backend stand to each other. */
interface Terms {
  /** The client sees this backend alone. */
  readonly isAlone?: boolean;
  /** The backend, or its instance, has this client alone. */
  readonly isOne?: boolean;
}

/**
 * The profile of a client that declared these capabilities, in whichever era: canonical, in the words of the newest
 * older revision. Never any tasks, and changes of roots only for a backend that is its alone.
 */
export function profileOf(capabilities: Raw, limits: Limits, { isAlone = false, isOne = false }: Terms = {}): Profile {
  const declared = parseObject(capabilities, limits) ?? emptyObject;
  const sampling = objectOf(declared, "sampling");
  const reach = { isAlone, hasTasks: false };
  const told = joined({
    elicitation: plainElicitation(objectOf(declared, "elicitation")),
    sampling: sampling === null ? null : flags(sampling, samplingParts),
    roots: plainRoots(objectOf(declared, "roots"), isOne),
    experimental: experimentalOf(declared, reach),
    extensions: extensionsOf(declared, reach),
  });
  return { key: fingerprint(told), capabilities: told };
}

/** True when these capabilities name this one. */
export const isDeclared = (capabilities: Raw, name: string, limits: Limits): boolean => memberOf(parseObject(capabilities, limits) ?? emptyObject, name) !== null;
