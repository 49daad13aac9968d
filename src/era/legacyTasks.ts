/**
 * Tools of older backends that run only as a task (2025-11-25, basic/utilities/tasks, `taskSupport: "required"`). Their
 * callers know no such tasks, so one is begun here for the call, asked after and brought to its result: to the caller it
 * is a call that takes its time. A call that ends earlier takes its task with it.
 */
import { fault, type Fault, faultOf, type Limits } from "../base/index.ts";
import { type Call, editObject, type Failure, memberOf, type Message, type Notification, objectOf, parseObject, quote, type Raw, type RawObject, requestText, type Result, stringOf } from "../protocol/index.ts";
import type { Flight } from "./flights.ts";
import { dueMs } from "./questions.ts";
import type { South } from "./south.ts";
import type { Waiter } from "./standing.ts";
import type { Target, WireReply } from "./types.ts";
import { metaKeys } from "./words.ts";

/** What the session does for its tasks. */
export interface TaskHooks {
  headers(): Readonly<Record<string, string>>;
  /** A message on the stream of a request about this call's task. */
  received(message: Message, flight: Flight): void;
  /** The response in a reply, if need be from another stream. */
  answerOf(waiter: Waiter, reply: WireReply, timeoutMs: number, op: string): Result | Failure | Promise<Result | Failure>;
  /** The reply says that the session is over. */
  isLost(reply: WireReply): boolean;
}

/** One call as a task. */
interface Running {
  readonly flight: Flight;
  readonly taskId: string;
  /** When the call's answer is due. */
  dueAt: number;
  /** What is waited for at the moment. */
  waiter: Waiter;
}

/** True when this call can only be made as a task, and the backend takes such calls. Most backends have no tasks, so that is asked first. */
export function needsTask({ method }: Pick<Call, "method">, { tool }: Target, capabilities: ReadonlyMap<string, Raw>, limits: Limits): boolean {
  const tasks = capabilities.get("tasks");
  if (tasks === undefined || tool === null || method !== "tools/call" || !tool.includes('"taskSupport"')) return false;
  const object = parseObject(tool, limits);
  const execution = object === null ? null : objectOf(object, "execution");
  return execution !== null && stringOf(execution, "taskSupport") === "required" && takesCalls(parseObject(tasks, limits));
}

/** The capability names calls of tools among the requests that may be tasks. */
function takesCalls(tasks: RawObject | null): boolean {
  const requests = tasks === null ? null : objectOf(tasks, "requests");
  const tools = requests === null ? null : objectOf(requests, "tools");
  return tools !== null && memberOf(tools, "call") !== null;
}

/** The member of a call's parameters that makes it a task: kept no longer than the call can last. */
export const taskParam = ({ timeoutMs }: Target, { askMsMax }: Limits): { readonly task: Raw } => ({ task: `{"ttl":${timeoutMs + askMsMax}}` });

export class LegacyTasks {
  readonly #south: South;
  readonly #hooks: TaskHooks;
  /** By the call's own request id. */
  readonly #running = new Map<number, Running>();

  constructor(south: South, hooks: TaskHooks) {
    this.#south = south;
    this.#hooks = hooks;
  }

  /**
   * The result of a call that was made as a task, from the response that says that the task began. The call's flight
   * stays open meanwhile: what the backend asks or tells belongs to it. Throws Faults of the wire.
   */
  async finish(flight: Flight, response: Result | Failure): Promise<Result | Failure> {
    const task = response.kind === "result" ? objectOf(response.result, "task") : null;
    if (task === null) return response;
    const taskId = stringOf(task, "taskId");
    if (taskId === null) throw fault("BACKEND_GARBLED", { backend: this.#south.options.name, op: flight.call.method, detail: "a task without an id" });
    const running: Running = { flight, taskId, dueAt: this.#south.clock.now() + dueMs(flight, this.#south.limits.askMsMax), waiter: { id: 0, stop: null } };
    const unhook = flight.call.cancel.onCancel(() => this.#south.wire.abandon(running.waiter.id));
    flight.answered = true;
    flight.stop = (reason) => running.waiter.stop?.(reason);
    this.#running.set(flight.id, running);
    try {
      return this.#unrelated(await this.#follow(running, task));
    } catch (thrown) {
      this.#cancel(running);
      throw flight.call.cancel.cancelled ? fault("CALL_CANCELLED", { op: flight.call.method }) : thrown;
    } finally {
      unhook();
      flight.stop = null;
      this.#running.delete(flight.id);
    }
  }

  /** The call's answer is due `ms` from now; gives the request that is waited for instead of the call's own. */
  postpone(id: number, ms: number): number {
    const running = this.#running.get(id);
    if (running === undefined) return id;
    running.dueAt = this.#south.clock.now() + ms;
    return running.waiter.id;
  }

  /** Asks after the task until it is over or wants something; its result then waits for the end. */
  async #follow(running: Running, first: RawObject): Promise<Result | Failure> {
    let task = first;
    while (stringOf(task, "status") === "working") {
      await this.#pause(running, task);
      const response = await this.#ask(running, "tasks/get");
      if (response.kind === "failure") return response;
      task = response.result;
    }
    return await this.#ask(running, "tasks/result");
  }

  /** Waits as long as the backend wants, within bounds. */
  async #pause(running: Running, task: RawObject): Promise<void> {
    const { clock, limits } = this.#south;
    const wanted = Number(memberOf(task, "pollInterval") ?? limits.taskPollMs);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    running.waiter = { id: 0, stop: reject };
    const timer = clock.timer(Math.min(Math.max(wanted || 0, limits.paceMs), this.#left(running)), resolve);
    try {
      if (running.flight.call.cancel.cancelled) throw fault("CALL_CANCELLED");
      await promise;
    } finally {
      timer.cancel();
    }
  }

  async #ask(running: Running, method: string): Promise<Result | Failure> {
    const { wire, options } = this.#south;
    const timeoutMs = this.#left(running);
    const waiter: Waiter = { id: wire.nextId(), stop: null };
    running.waiter = waiter;
    const text = requestText(waiter.id, method, `{"taskId":${quote(running.taskId)}}`);
    const reply = await wire.request({ id: waiter.id, text, headers: this.#hooks.headers(), timeoutMs, onMessage: (message) => this.#hooks.received(message, running.flight) });
    if (this.#hooks.isLost(reply)) throw fault("BACKEND_GONE", { backend: options.name, op: method, detail: "its session ended while the task ran" });
    return await this.#hooks.answerOf(waiter, reply, this.#left(running), method);
  }

  /** The time that the call has left. Throws BACKEND_TIMEOUT when it has none. */
  #left({ dueAt, flight }: Running): number {
    const ms = dueAt - this.#south.clock.now();
    if (ms <= 0) throw fault("BACKEND_TIMEOUT", { backend: this.#south.options.name, op: flight.call.method, detail: `its task took more than ${flight.timeoutMs} ms` });
    return ms;
  }

  /** A task that cannot be ended any more ends by its own time. */
  #cancel({ taskId }: Running): void {
    const { wire, options, log } = this.#south;
    const id = wire.nextId();
    const note = (reason: Fault): void => log.debug("a task could not be cancelled", { backend: options.name, code: reason.code });
    wire.request({ id, text: requestText(id, "tasks/cancel", `{"taskId":${quote(taskId)}}`), headers: this.#hooks.headers(), timeoutMs: options.requestMsMax }).catch((thrown: unknown) => note(faultOf(thrown)));
  }

  /** Which task it came from is nothing that the caller knows. */
  #unrelated(response: Result | Failure): Result | Failure {
    const result = response.kind === "result" ? withoutTask(response.result, response.meta, this.#south.limits) : null;
    return response.kind !== "result" || result === null ? response : { ...response, result };
  }
}

/** A notification without the task that it came from: no client has heard of that one. */
export function unrelated(notification: Notification, limits: Limits): Notification {
  const { params, meta } = notification;
  const kept = params === null ? null : withoutTask(params, meta, limits);
  return kept === null ? notification : { ...notification, params: kept, meta: objectOf(kept, "_meta") };
}

/** The object without the name of a task in its `_meta`; null where there is none. */
function withoutTask(object: RawObject, meta: RawObject | null, limits: Limits): RawObject | null {
  if (meta === null || memberOf(meta, metaKeys.relatedTask) === null) return null;
  const kept = meta.members.length === 1 ? null : editObject(meta, { [metaKeys.relatedTask]: null });
  return parseObject(editObject(object, { _meta: kept }), limits);
}
