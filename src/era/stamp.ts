/**
 * Results on their way to a modern client: what each must say (its type, who served it, how long it may be kept) is put
 * in front of the members that came, which stay as they are. Most results need nothing else, so one is a slice and a join.
 */
import type { Limits } from "../base/index.ts";
import { type CacheHint, editObject, memberOf, objectOf, parseObject, type Raw, type RawMember, type RawObject } from "../protocol/index.ts";
import { withoutExecution } from "./convert.ts";
import { isCacheable } from "./methods.ts";
import { metaKeys, vendorKeys } from "./words.ts";

/** The members of one result that matter here. */
interface Found {
  type: RawMember | null;
  meta: RawMember | null;
  ttlMs: RawMember | null;
  cacheScope: RawMember | null;
  content: RawMember | null;
}

type Slot = keyof Found;

const slots: Readonly<Record<string, Slot>> = Object.freeze({ resultType: "type", _meta: "meta", ttlMs: "ttlMs", cacheScope: "cacheScope", content: "content" });

const slotOf = (key: string): Slot | undefined => (Object.hasOwn(slots, key) ? slots[key] : undefined);

function membersOf(result: RawObject): Found {
  const found: Found = { type: null, meta: null, ttlMs: null, cacheScope: null, content: null };
  for (const member of result.members) {
    const slot = slotOf(member.key);
    if (slot !== undefined) found[slot] = member;
  }
  return found;
}

export class Stamp {
  readonly #identity: Raw;
  readonly #limits: Limits;
  readonly #onAll: string;
  readonly #onOne: string;

  /** `identity` is our own, as JSON text. */
  constructor(identity: Raw, limits: Limits) {
    this.#identity = identity;
    this.#limits = limits;
    this.#onAll = `"resultType":"complete","_meta":{"${metaKeys.serverInfo}":${identity}}`;
    this.#onOne = `"resultType":"complete","_meta":{"${vendorKeys.proxy}":${identity}}`;
  }

  /** The response's text. `server` is the selected one, or null; `cache` is the hint of an answer that the proxy made itself. */
  response(id: Raw, method: string, server: string | null, result: RawObject, cache: CacheHint | undefined): string {
    const converted = method === "tools/list" ? withoutExecution(result, this.#limits) : withSoundHints(result, method, this.#limits);
    return `{"jsonrpc":"2.0","id":${id},"result":${this.#result(method, server, converted, cache)}}`;
  }

  /** The result of a question to the client: typed and signed, never kept. `changes` are further members. */
  question(id: Raw, server: string | null, result: RawObject, changes: Readonly<Record<string, Raw | null>>): string {
    const meta = this.metaOf(server, objectOf(result, "_meta"));
    const text = editObject(result, { resultType: '"input_required"', _meta: meta, ttlMs: null, cacheScope: null, ...changes });
    return `{"jsonrpc":"2.0","id":${id},"result":${text}}`;
  }

  /** `_meta` of a result: our identity on all servers, the backend's own on one, the other one under a vendor key. */
  metaOf(server: string | null, meta: RawObject | null, extra = ""): Raw {
    if (meta === null) return `{${extra}"${server === null ? metaKeys.serverInfo : vendorKeys.proxy}":${this.#identity}}`;
    if (server !== null) return editObject(meta, { [vendorKeys.proxy]: this.#identity });
    const theirs = memberOf(meta, metaKeys.serverInfo);
    return editObject(meta, { [metaKeys.serverInfo]: this.#identity, ...(theirs === null ? {} : { [vendorKeys.backend]: theirs }) });
  }

  #result(method: string, server: string | null, result: RawObject, cache: CacheHint | undefined): string {
    const found = membersOf(result);
    const inner = this.#inner(server, result, found.meta);
    const head = this.#head(server, found) + contentOf(method, found) + (isCacheable(method) ? hintsOf(found, cache) : "");
    if (head === "") return `{${inner}}`;
    // Every part begins with a comma but the first.
    return inner === "" ? `{${head.slice(1)}}` : `{${head.slice(1)},${inner}}`;
  }

  #inner(server: string | null, result: RawObject, meta: RawMember | null): string {
    if (result.members.length === 0) return "";
    if (meta === null) return result.text.slice(result.open + 1, result.close - 1);
    return editObject(result, { _meta: this.metaOf(server, objectOf(result, "_meta")) }).slice(1, -1);
  }

  #head(server: string | null, found: Found): string {
    if (found.type === null && found.meta === null) return `,${server === null ? this.#onAll : this.#onOne}`;
    if (found.type === null) return ',"resultType":"complete"';
    return found.meta === null ? `,"_meta":${this.metaOf(server, null)}` : "";
  }
}

// A legacy backend may have left it out; the modern schema requires it.
const contentOf = (method: string, found: Found): string => (method === "tools/call" && found.content === null && found.type === null ? ',"content":[]' : "");

/** A hint that is none would make the whole result invalid for its client, so what cannot be read counts as not said. */
function withSoundHints(result: RawObject, method: string, limits: Limits): RawObject {
  if (!isCacheable(method)) return result;
  const changes: Record<string, null> = {};
  if (!isDuration(memberOf(result, "ttlMs") ?? "0")) changes["ttlMs"] = null;
  if (!isScope(memberOf(result, "cacheScope") ?? '"private"')) changes["cacheScope"] = null;
  for (const _ in changes) return parseObject(editObject(result, changes), limits) ?? result;
  return result;
}

const isDuration = (raw: Raw): boolean => /^\d/.test(raw) && Number.isSafeInteger(Number(raw));
const isScope = (raw: Raw): boolean => raw === '"private"' || raw === '"public"';

function hintsOf(found: Found, cache: CacheHint | undefined): string {
  const ttlMs = found.ttlMs === null ? `,"ttlMs":${cache?.ttlMs ?? 0}` : "";
  return found.cacheScope === null ? `${ttlMs},"cacheScope":"${cache?.scope ?? "private"}"` : ttlMs;
}
