/**
 * The tasks extension (`io.modelcontextprotocol/tasks`) between a modern client and a modern backend: a tool may answer
 * with a task, and the client asks for its result later. A backend sees one principal, the proxy, and two backends may
 * give the same id; so a client holds an id of ours that has backend, inner id and owner sealed in, and nothing of it is
 * remembered here. Tasks of the 2025-11-25 revision are another thing and are not served.
 */
import { type Fault, fault, type Limits } from "../base/index.ts";
import { type Call, editObject, emptyObject, memberOf, objectOf, type Outcome, parseObject, quote, type Raw, type RawObject, stringOf, type TaskAt } from "../protocol/index.ts";
import type { ClientRequest } from "./clientCall.ts";
import type { North } from "./north.ts";
import { askerOf, relayedRequests } from "./question.ts";
import type { Seal } from "./seal.ts";

/** The extension's identifier. */
export const tasksExtension = "io.modelcontextprotocol/tasks";

/** What a client must declare to be given a task, or to ask for one. */
const required = Object.freeze({ requiredCapabilities: Object.freeze({ extensions: Object.freeze({ [tasksExtension]: Object.freeze({}) }) }) });

const methods: Readonly<Record<string, true>> = Object.freeze({ "tasks/get": true, "tasks/update": true, "tasks/cancel": true });

const isTaskMethod = (method: string): boolean => Object.hasOwn(methods, method);

/** The request is one of those that only clients who know tasks may make. */
export function isAboutTasks(method: string, params: RawObject): boolean {
  if (method !== "subscriptions/listen") return isTaskMethod(method);
  const wanted = objectOf(params, "notifications");
  return wanted !== null && memberOf(wanted, "taskIds") !== null;
}

/** The client declared the extension with this request. Asked for few requests; the word says whether to look. */
export function declaresTasks(capabilities: Raw | null, limits: Limits): boolean {
  if (capabilities === null || !capabilities.includes(tasksExtension)) return false;
  const extensions = objectOf(parseObject(capabilities, limits) ?? emptyObject, "extensions");
  return extensions !== null && memberOf(extensions, tasksExtension) !== null;
}

/** Why a request about tasks is refused to a client with these capabilities, or null. */
export function taskFault(isAbout: boolean, capabilities: Raw | null, limits: Limits): Fault | null {
  return !isAbout || declaresTasks(capabilities, limits) ? null : fault("CAPABILITY_MISSING", { detail: tasksExtension, data: required });
}

/** What a request is really for. */
export interface Aim {
  /** The parameters, with the backend's own id in place of ours. */
  readonly params: RawObject;
  /** The backend that has the task; null where the request is about none. */
  readonly backend: string | null;
}

/** Reads whose task a request is about. A Fault for an id that was not issued to this caller. */
export function aimOf({ seal, limits }: North, { method, params, principal }: Pick<ClientRequest, "method" | "params" | "principal">): Aim | Fault {
  if (!isTaskMethod(method)) return { params, backend: null };
  const task = taskOf(seal, stringOf(params, "taskId") ?? "", principal.id);
  if (task === null) return fault("NAME_UNKNOWN", { detail: "task", hint: "the task is unknown, expired or another caller's" });
  return { params: parseObject(editObject(params, { taskId: quote(task.taskId) }), limits) ?? params, backend: task.backend };
}

/** The task that an id of ours means for this caller; null for one that was not issued to it, or is too old. */
export function taskOf(seal: Seal, exposed: string, principalId: string): TaskAt | null {
  const opened = seal.unseal(exposed, bindingOf(principalId));
  return opened === null || opened === "expired" || opened.kind !== "task" ? null : { backend: opened.backend, taskId: opened.state };
}

const bindingOf = (principalId: string): string => JSON.stringify(["task", principalId]);

/** The result that gives a client a new task, under an id of ours. A Fault when the backend named none. */
export function taskResult({ seal, limits }: { readonly seal: Seal; readonly limits: Limits }, { principal }: Pick<Call, "principal">, { result, backend }: Extract<Outcome, { kind: "task" }>): RawObject | Fault {
  const inner = stringOf(result, "taskId");
  if (inner === null) return fault("BACKEND_GARBLED", { backend, detail: "a task without an id" });
  const id = seal.seal({ kind: "task", backend, state: inner, round: 0 }, bindingOf(principal.id), limits.taskMsMax);
  return parseObject(editObject(result, { taskId: quote(id) }), limits) ?? fault("BACKEND_GARBLED", { backend, detail: "a task that is too large" });
}

/**
 * What came of a request about a task, as its client may see it: under the id that it asked with, and with the asker put
 * into what the task wants to know.
 */
export function taskOutcome(outcome: Outcome, exposed: RawObject, backend: string, { selection }: Pick<Call, "selection">, limits: Limits): Outcome {
  if (outcome.kind !== "done") return outcome;
  const changes = taskChanges(outcome.result, memberOf(exposed, "taskId") ?? "null", askerOf(backend, selection.server));
  for (const _ in changes) return { ...outcome, result: parseObject(editObject(outcome.result, changes), limits) ?? outcome.result };
  return outcome;
}

/** What a client sees otherwise of a task: its id, as JSON text, and who asks. */
export function taskChanges(task: RawObject, exposed: Raw, asker: string | null): Record<string, Raw> {
  const changes: Record<string, Raw> = {};
  if (memberOf(task, "taskId") !== null) changes["taskId"] = exposed;
  const requests = objectOf(task, "inputRequests");
  if (requests !== null) changes["inputRequests"] = relayedRequests(requests, asker);
  return changes;
}
