/**
 * `subscriptions/listen`: a stream that stands as long as its client wants, each message tagged with the id of the
 * request that opened it (2026-07-28, basic/patterns/subscriptions). The acknowledgement comes first and names only
 * what is fulfilled, so it waits until the servers have said whether they tell of the resources that were asked for;
 * what happens meanwhile is told after it.
 */
import { fault, faultOf } from "../base/index.ts";
import { editObject, elementsOf, emptyObject, memberOf, notificationText, objectOf, quote, type Raw, type RawObject, type Request, resultText, sseEvent, type Watching } from "../protocol/index.ts";
import { clientOf } from "./admission.ts";
import { refusalOut } from "./exchange.ts";
import { readMeta, textOf } from "./hop.ts";
import type { North } from "./north.ts";
import { streamOut } from "./streams.ts";
import type { Caller, HttpIn, HttpOut } from "./types.ts";
import { metaKeys } from "./words.ts";

export type ListKind = "tools" | "prompts" | "resources";

/** The notification that a list has changed. */
export const changeMethods: Readonly<Record<ListKind, string>> = Object.freeze({
  tools: "notifications/tools/list_changed",
  prompts: "notifications/prompts/list_changed",
  resources: "notifications/resources/list_changed",
});

/** The notification that a resource has changed. */
export const updateMethod = "notifications/resources/updated";

const wishes: Readonly<Record<string, ListKind>> = Object.freeze({
  toolsListChanged: "tools",
  promptsListChanged: "prompts",
  resourcesListChanged: "resources",
});

/** What stands behind one request to listen. */
export interface Listening {
  /** Its client has gone, or wants no more. Ending twice is fine. */
  end(): void;
  /** The result that says that nothing more will come; for an end that is ours. */
  readonly farewell: string;
}

/**
 * Begins to listen: `send` gets every message, the acknowledgement first. Throws PARAMS_INVALID, and LIMIT_REACHED for
 * too many watches or resources.
 */
export function openListening(north: North, { id, params, meta }: Request, caller: Caller, send: (text: string) => void): Listening {
  const wanted = objectOf(params ?? emptyObject, "notifications");
  if (wanted === null) throw invalid('"notifications" must be an object');
  const listener = new Listener(north, id, wanted, send);
  const { principal, selection } = caller;
  const client = clientOf(readMeta(meta));
  const watching = north.serve.watch({ principal, selection, client, session: null, changed: (kind) => listener.changed(kind), updated: (uri, news) => listener.updated(uri, news) });
  listener.begin(watching);
  const own = north.stamp.metaOf(selection.server, null, `"${metaKeys.subscriptionId}":${id},`);
  return { end: () => listener.end(), farewell: resultText(id, `{"resultType":"complete","_meta":${own}}`) };
}

/** The member of `_meta` inside `params` that says to which request to listen a message belongs. */
export const tagOf = (id: Raw): string => `"_meta":{"${metaKeys.subscriptionId}":${id}}`;

const invalid = (detail: string): Error => fault("PARAMS_INVALID", { detail });

/** The resources that are asked for, each once. */
function urisOf(wanted: RawObject, { limits }: North): readonly string[] {
  const raw = memberOf(wanted, "resourceSubscriptions");
  if (raw === null) return [];
  const uris = elementsOf(raw, limits)?.map(textOf);
  if (uris === undefined) throw invalid('"resourceSubscriptions" must be an array');
  if (uris.length > limits.subscriptionsPerWatchMax) throw fault("LIMIT_REACHED", { detail: `limits.subscriptionsPerWatchMax is ${limits.subscriptionsPerWatchMax}` });
  return [...new Set(uris)].map((uri) => {
    if (uri === null) throw invalid('"resourceSubscriptions" must hold strings');
    return uri;
  });
}

/** One request to listen, from its first wish to its end. */
class Listener {
  readonly #north: North;
  readonly #id: Raw;
  readonly #send: (text: string) => void;
  /** The lists that are asked for, by the wish's name. */
  readonly #kinds: ReadonlyMap<string, ListKind>;
  readonly #uris: readonly string[];
  /** What happened before the acknowledgement, each news once; null afterwards. */
  #early: Map<string, string> | null = new Map();
  #watching: Watching | null = null;

  constructor(north: North, id: Raw, wanted: RawObject, send: (text: string) => void) {
    this.#north = north;
    this.#id = id;
    this.#send = send;
    this.#kinds = new Map(Object.entries(wishes).filter(([name]) => memberOf(wanted, name) === "true"));
    this.#uris = urisOf(wanted, north);
  }

  begin(watching: Watching): void {
    this.#watching = watching;
    if (this.#uris.length === 0) this.#acknowledge([]);
    else void this.#subscribe(watching).then((honoured) => this.#acknowledge(honoured));
  }

  changed(kind: ListKind): void {
    if ([...this.#kinds.values()].includes(kind)) this.#tell(kind, notificationText(changeMethods[kind], `{${tagOf(this.#id)}}`));
  }

  updated(uri: string, params: RawObject): void {
    const meta = objectOf(params, "_meta") ?? emptyObject;
    const tagged = editObject(params, { _meta: editObject(meta, { [metaKeys.subscriptionId]: this.#id }) });
    this.#tell(`uri ${uri}`, notificationText(updateMethod, tagged));
  }

  end(): void {
    this.#watching?.end();
    this.#watching = null;
  }

  /** Asks for all resources at once; those that nobody has answered for in time are not waited for. */
  async #subscribe(watching: Watching): Promise<readonly string[]> {
    const { clock, limits } = this.#north;
    const honoured = new Set<string>();
    const ask = async (uri: string): Promise<void> => {
      // Why not is no matter here: what is not acknowledged is not fulfilled.
      if ((await watching.subscribe(uri).catch(() => "unknown")) === "subscribed") honoured.add(uri);
    };
    const patience = Promise.withResolvers<void>();
    const timer = clock.timer(limits.subscribeMsMax, patience.resolve);
    await Promise.race([Promise.all(this.#uris.map(ask)), patience.promise]);
    timer.cancel();
    const kept = this.#uris.filter((uri) => honoured.has(uri));
    for (const uri of this.#uris) if (!honoured.has(uri)) void watching.unsubscribe(uri);
    return kept;
  }

  #acknowledge(uris: readonly string[]): void {
    const early = this.#early;
    if (this.#watching === null || early === null) return;
    const names = [...this.#kinds.keys()].map((name) => `"${name}":true`);
    if (uris.length > 0) names.push(`"resourceSubscriptions":[${uris.map(quote).join(",")}]`);
    this.#send(notificationText("notifications/subscriptions/acknowledged", `{"notifications":{${names.join(",")}},${tagOf(this.#id)}}`));
    this.#early = null;
    for (const text of early.values()) this.#send(text);
  }

  /** `news` names what it is about: of two that say the same before the acknowledgement, the later stands. */
  #tell(news: string, text: string): void {
    if (this.#watching === null) return;
    if (this.#early === null) return this.#send(text);
    this.#early.delete(news);
    this.#early.set(news, text);
    if (this.#early.size > this.#north.limits.subscriptionsPerWatchMax) this.#outrun(this.#early);
  }

  /** More news of parts of the resources than can be kept: then the resources themselves have changed. */
  #outrun(early: Map<string, string>): void {
    early.clear();
    for (const kind of this.#kinds.values()) early.set(kind, notificationText(changeMethods[kind], `{${tagOf(this.#id)}}`));
    for (const uri of this.#uris) early.set(`uri ${uri}`, notificationText(updateMethod, `{"uri":${quote(uri)},${tagOf(this.#id)}}`));
  }
}

/** Opens the stream of a POST, or refuses it. */
export function listen(north: North, message: Request, request: HttpIn): HttpOut {
  let listening: Listening | null = null;
  const say = (text: string): void => stream.send(sseEvent({ data: text }));
  const stream = north.streams.open({
    gone: () => listening?.end(),
    goodbye: () => {
      if (listening === null) return;
      listening.end();
      say(listening.farewell);
    },
  });
  try {
    listening = openListening(north, message, request, say);
    request.onGone(() => stream.cut());
    return streamOut(stream);
  } catch (thrown) {
    stream.end();
    return refusalOut(message.id, faultOf(thrown));
  }
}
