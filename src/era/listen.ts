/**
 * `subscriptions/listen`: a stream that stands as long as its client wants, each message tagged with the id of the
 * request that opened it (2026-07-28, basic/patterns/subscriptions). The acknowledgement comes first and names only
 * what is fulfilled, so it waits until the servers have said whether they tell of the resources that were asked for;
 * what happens meanwhile is told after it.
 */
import { fault, faultOf } from "../base/index.ts";
import { editObject, elementsOf, emptyObject, memberOf, notificationText, objectOf, type Principal, quote, type Raw, type RawObject, type Request, resultText, sseEvent, type Subscribed, type TaskAt, type Watching } from "../protocol/index.ts";
import { clientOf } from "./admission.ts";
import { refusalOut } from "./exchange.ts";
import { readMeta, textOf } from "./hop.ts";
import type { North } from "./north.ts";
import { askerOf } from "./question.ts";
import { standing, streamOut } from "./streams.ts";
import { taskChanges, taskOf } from "./tasks.ts";
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

/** The notification of how a task stands. */
const taskMethod = "notifications/tasks";

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
  const { principal, selection } = caller;
  const listener = new Listener({ north, id, server: selection.server, send }, wished(wanted, north, principal));
  const client = clientOf(readMeta(meta));
  const watching = north.serve.watch({
    principal,
    selection,
    client,
    session: null,
    changed: (kind) => listener.changed(kind),
    updated: (uri, news) => listener.updated(uri, news),
    told: (task, news) => listener.told(task, news),
  });
  listener.begin(watching);
  const own = north.stamp.metaOf(selection.server, null, `"${metaKeys.subscriptionId}":${id},`);
  return { end: () => listener.end(), farewell: resultText(id, `{"resultType":"complete","_meta":${own}}`) };
}

/** The member of `_meta` inside `params` that says to which request to listen a message belongs. */
export const tagOf = (id: Raw): string => `"_meta":{"${metaKeys.subscriptionId}":${id}}`;

const invalid = (detail: string): Error => fault("PARAMS_INVALID", { detail });

/** What one request to listen asks for. */
interface Wished {
  /** The lists, by the wish's name. */
  readonly kinds: ReadonlyMap<string, ListKind>;
  /** The resources, each once. */
  readonly uris: readonly string[];
  readonly tasks: readonly Followed[];
}

/** A task that is asked for, by the ids that its client knows: it may have been given more than one. */
interface Followed {
  readonly task: TaskAt;
  readonly exposed: readonly string[];
}

/** Reads the filter. Of an id that was not given to this caller nothing is said, as of any other that is not fulfilled. */
function wished(wanted: RawObject, north: North, { id }: Principal): Wished {
  const kinds = new Map(Object.entries(wishes).filter(([name]) => memberOf(wanted, name) === "true"));
  const uris = stringsOf(wanted, "resourceSubscriptions", north);
  const taskIds = stringsOf(wanted, "taskIds", north);
  const { subscriptionsPerWatchMax } = north.limits;
  if (uris.length + taskIds.length > subscriptionsPerWatchMax) throw fault("LIMIT_REACHED", { detail: `limits.subscriptionsPerWatchMax is ${subscriptionsPerWatchMax}` });
  return { kinds, uris, tasks: followedOf(taskIds, north, id) };
}

function followedOf(taskIds: readonly string[], { seal }: North, principalId: string): readonly Followed[] {
  const followed = new Map<string, { task: TaskAt; exposed: string[] }>();
  for (const exposed of taskIds) {
    const task = taskOf(seal, exposed, principalId);
    if (task === null) continue;
    const key = keyOf(task);
    const known = followed.get(key);
    if (known === undefined) followed.set(key, { task, exposed: [exposed] });
    else known.exposed.push(exposed);
  }
  return [...followed.values()];
}

const keyOf = ({ backend, taskId }: TaskAt): string => `task ${backend}/${taskId}`;

/** The strings of a member, each once. */
function stringsOf(wanted: RawObject, member: string, { limits }: North): readonly string[] {
  const raw = memberOf(wanted, member);
  if (raw === null) return [];
  const texts = elementsOf(raw, limits)?.map(textOf);
  if (texts === undefined) throw invalid(`"${member}" must be an array`);
  return [...new Set(texts)].map((text) => {
    if (text === null) throw invalid(`"${member}" must hold strings`);
    return text;
  });
}

/** What a listener works with. */
interface Ground {
  readonly north: North;
  readonly id: Raw;
  /** The one server that its client sees, or null. */
  readonly server: string | null;
  readonly send: (text: string) => void;
}

/** One request to listen, from its first wish to its end. */
class Listener {
  readonly #ground: Ground;
  readonly #wished: Wished;
  /** The tasks that are fulfilled, by their keys; all that are asked for, until that is known. */
  #tasks: ReadonlyMap<string, Followed>;
  /** What happened before the acknowledgement, each news once; null afterwards. */
  #early: Map<string, string> | null = new Map();
  #watching: Watching | null = null;

  constructor(ground: Ground, asked: Wished) {
    this.#ground = ground;
    this.#wished = asked;
    this.#tasks = new Map(asked.tasks.map((followed) => [keyOf(followed.task), followed]));
  }

  begin(watching: Watching): void {
    this.#watching = watching;
    const { uris, tasks } = this.#wished;
    if (uris.length + tasks.length === 0) this.#acknowledge([], []);
    else void this.#subscribe(watching);
  }

  changed(kind: ListKind): void {
    if ([...this.#wished.kinds.values()].includes(kind)) this.#tell(kind, notificationText(changeMethods[kind], `{${tagOf(this.#ground.id)}}`));
  }

  updated(uri: string, params: RawObject): void {
    this.#tell(`uri ${uri}`, notificationText(updateMethod, editObject(params, { _meta: this.#tagged(params) })));
  }

  /** News of a task say all of its state: of two, the later stands. */
  told(task: TaskAt, params: RawObject): void {
    const key = keyOf(task);
    for (const exposed of this.#tasks.get(key)?.exposed ?? []) {
      const changes = { ...taskChanges(params, quote(exposed), askerOf(task.backend, this.#ground.server)), _meta: this.#tagged(params) };
      this.#tell(`${key} ${exposed}`, notificationText(taskMethod, editObject(params, changes)));
    }
  }

  end(): void {
    this.#watching?.end();
    this.#watching = null;
  }

  #tagged(params: RawObject): Raw {
    return editObject(objectOf(params, "_meta") ?? emptyObject, { [metaKeys.subscriptionId]: this.#ground.id });
  }

  /** Asks for everything at once; what nobody has answered for in time is not waited for. */
  async #subscribe(watching: Watching): Promise<void> {
    const { clock, limits } = this.#ground.north;
    const { uris, tasks } = this.#wished;
    const honoured = new Set<unknown>();
    // Why not is no matter here: what is not acknowledged is not fulfilled.
    const ask = async (what: unknown, asked: Promise<Subscribed>): Promise<void> => {
      if ((await asked.catch(() => "unknown")) === "subscribed") honoured.add(what);
    };
    const patience = Promise.withResolvers<void>();
    const timer = clock.timer(limits.subscribeMsMax, patience.resolve);
    const all = [...uris.map((uri) => ask(uri, watching.subscribe(uri))), ...tasks.map((followed) => ask(followed, watching.follow(followed.task)))];
    await Promise.race([Promise.all(all), patience.promise]);
    timer.cancel();
    // The set goes on growing meanwhile; what counts is what it holds now.
    const late = [...uris.filter((uri) => !honoured.has(uri)).map((uri) => watching.unsubscribe(uri)), ...tasks.filter((followed) => !honoured.has(followed)).map(({ task }) => watching.unfollow(task))];
    this.#acknowledge(uris.filter((uri) => honoured.has(uri)), tasks.filter((followed) => honoured.has(followed)));
    await Promise.allSettled(late);
  }

  #acknowledge(uris: readonly string[], tasks: readonly Followed[]): void {
    const early = this.#early;
    if (this.#watching === null || early === null) return;
    const { id, send } = this.#ground;
    const names = [...this.#wished.kinds.keys()].map((name) => `"${name}":true`);
    if (uris.length > 0) names.push(`"resourceSubscriptions":[${uris.map(quote).join(",")}]`);
    if (tasks.length > 0) names.push(`"taskIds":[${tasks.flatMap(({ exposed }) => exposed.map(quote)).join(",")}]`);
    send(notificationText("notifications/subscriptions/acknowledged", `{"notifications":{${names.join(",")}},${tagOf(id)}}`));
    this.#tasks = new Map(tasks.map((followed) => [keyOf(followed.task), followed]));
    this.#early = null;
    for (const [news, text] of early) if (!this.#isRefused(news)) send(text);
  }

  /** What came early is about a task that is not fulfilled. */
  #isRefused(news: string): boolean {
    return news.startsWith("task ") && !this.#tasks.has(news.slice(0, news.lastIndexOf(" ")));
  }

  /** `news` names what it is about: of two that say the same before the acknowledgement, the later stands. */
  #tell(news: string, text: string): void {
    if (this.#watching === null) return;
    if (this.#early === null) return this.#ground.send(text);
    this.#early.delete(news);
    this.#early.set(news, text);
    if (this.#early.size > this.#ground.north.limits.subscriptionsPerWatchMax) this.#outrun(this.#early);
  }

  /** More news of parts of the resources than can be kept: then the resources themselves have changed. */
  #outrun(early: Map<string, string>): void {
    const { id } = this.#ground;
    for (const news of early.keys()) if (!news.startsWith("task ")) early.delete(news);
    for (const kind of this.#wished.kinds.values()) early.set(kind, notificationText(changeMethods[kind], `{${tagOf(id)}}`));
    for (const uri of this.#wished.uris) early.set(`uri ${uri}`, notificationText(updateMethod, `{"uri":${quote(uri)},${tagOf(id)}}`));
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
    return standing(streamOut(stream));
  } catch (thrown) {
    stream.end();
    return refusalOut(message.id, faultOf(thrown));
  }
}
