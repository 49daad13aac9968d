/**
 * Parameters on their way to a backend: the target's own name put in, `_meta` replaced, everything else byte for byte.
 * The part of `_meta` that is the same from call to call is built once and remembered for the client seen last, because
 * most calls in a row come from one client.
 */
import { fault, type Limits } from "../base/index.ts";
import { type Call, type Client, editObject, memberOf, objectOf, parseObject, quote, type Raw, type RawObject, type Resume, stringOf } from "../protocol/index.ts";
import { methodOf } from "./methods.ts";
import { carriedCapabilities, type Reach, reachOf } from "./profile.ts";
import { identityOf, type Shared } from "./south.ts";
import type { Target } from "./types.ts";
import type { ModernRevision } from "./version.ts";
import { metaKeys, vendorKeys } from "./words.ts";

/** Appends the members of `more` (an object's text, or null) to the members of an open object text. */
function joined(open: string, more: Raw | null): Raw {
  const rest = more === null ? "" : more.slice(1, -1).trim();
  if (rest === "") return `{${open}}`;
  return open === "" ? `{${rest}}` : `{${open},${rest}}`;
}

/** `_meta` for a backend with a handshake: the client's own, and a progress token if progress is wanted; null for none. */
export function plainMetaOf(call: Call, token: number): Raw | null {
  if (!call.progress) return call.meta;
  return joined(`"${metaKeys.progressToken}":${token}`, call.meta);
}

const noTarget = Object.freeze({});

/** `_meta` for a backend without handshake, where each request says who calls and what it can do. */
export class Envelope {
  readonly #limits: Limits;
  readonly #head: string;
  readonly #own: string;
  readonly #proxy: string;
  #info: Raw | null = null;
  #capabilities: Raw | null = null;
  #isAlone = false;
  #hasTasks = false;
  #extensions: readonly string[] | null = null;
  #known: string | null = null;

  constructor(shared: Shared, revision: ModernRevision) {
    const identity = identityOf(shared.identity);
    this.#limits = shared.limits;
    this.#head = `"${metaKeys.version}":"${revision}"`;
    this.#proxy = `"${vendorKeys.proxy}":${identity}`;
    this.#own = identity;
  }

  /** `_meta` of a request that we make for ourselves, or for clients of these `abilities`. */
  ownMeta(abilities: Raw = "{}"): Raw {
    return `{${this.#head},"${metaKeys.clientInfo}":${this.#own},"${metaKeys.clientCapabilities}":${abilities}}`;
  }

  /** `_meta` of a client's call. */
  metaOf(call: Call, token: number, { extensions = null }: Pick<Target, "extensions"> = noTarget): Raw {
    let open = this.#prefixOf(call, extensions);
    if (call.progress) open += `,"${metaKeys.progressToken}":${token}`;
    if (call.logLevel !== null) open += `,"${metaKeys.logLevel}":"${call.logLevel}"`;
    return call.meta === null ? `{${open}}` : joined(open, this.#strangers(call.meta));
  }

  /** Another proxy of our kind in front of us put its own key in; two members of one name would be ambiguous. */
  #strangers(meta: Raw): Raw {
    if (!meta.includes(vendorKeys.proxy)) return meta;
    const object = parseObject(meta, this.#limits);
    return object === null ? meta : editObject(object, { [vendorKeys.proxy]: null });
  }

  #prefixOf(call: Call, own: readonly string[] | null): string {
    const { info, capabilities } = call.client;
    const reach = reachOf(call, own);
    if (this.#isKnown(call.client, reach)) return this.#known as string;
    const prefix = `${this.#head},"${metaKeys.clientInfo}":${info ?? this.#own},"${metaKeys.clientCapabilities}":${carriedCapabilities(capabilities, this.#limits, reach)},${this.#proxy}`;
    this.#info = info;
    this.#capabilities = capabilities;
    this.#isAlone = reach.isAlone;
    this.#hasTasks = reach.hasTasks;
    this.#extensions = reach.own;
    this.#known = prefix;
    return prefix;
  }

  #isKnown(client: Client, reach: Reach): boolean {
    return this.#known !== null && this.#info === client.info && this.#capabilities === client.capabilities && this.#isAlone === reach.isAlone && this.#hasTasks === reach.hasTasks && this.#extensions === reach.own;
  }
}

/** The completion's `ref` with what the backend itself calls it; null when there is nothing to change. */
function refOf(params: RawObject, name: string): Raw | null {
  const ref = objectOf(params, "ref");
  if (ref === null) return null;
  const member = stringOf(ref, "type") === "ref/resource" ? "uri" : "name";
  return memberOf(ref, member) === null ? null : editObject(ref, { [member]: quote(name) });
}

/** Puts the change that names the target into `changes`. */
function addTarget(changes: Record<string, Raw | null>, call: Call, name: string): void {
  const where = methodOf(call.method).target;
  if (where !== null) changes[where] = quote(name);
  if (call.method !== "completion/complete") return;
  const ref = refOf(call.params, name);
  if (ref !== null) changes["ref"] = ref;
}

/** What a repeated call says again. A state is for the backend that gave it: its routes may have changed in between. */
function addResume(changes: Record<string, Raw | null>, resume: Resume, backend: string): void {
  if (resume.backend !== null && resume.backend !== backend) throw fault("STATE_INVALID", { backend, detail: "another server gave it" });
  changes["inputResponses"] = resume.responses;
  changes["requestState"] = resume.state === null ? null : quote(resume.state);
}

/**
 * The call's parameters for the backend. `extra` are further members to replace, or to remove with null. Throws
 * STATE_INVALID for a repeated call whose state another backend gave.
 */
export function paramsOf(call: Call, target: Target, meta: Raw | null, extra: Readonly<Record<string, Raw | null>> | null = null): Raw {
  const changes: Record<string, Raw | null> = extra === null ? { _meta: meta } : { _meta: meta, ...extra };
  if (target.name !== null) addTarget(changes, call, target.name);
  if (call.resume !== null) addResume(changes, call.resume, target.backend);
  return editObject(call.params, changes);
}

/** The value that names the call's target at the backend: a tool's or prompt's name, or a URI; null for other methods. */
export function targetNameOf(call: Call, target: Target): string | null {
  const where = methodOf(call.method).target;
  if (where === null) return null;
  return target.name ?? stringOf(call.params, where);
}
