/**
 * What each method does: one row a method, over a pinned snapshot. Lists are answered from the catalog; everything that
 * names a target is looked up exactly and goes to the backend that owns it; what has no row here passes through to the
 * one selected server, or does not exist. Nobody below or above this file decides who answers.
 */
import type { Lease } from "../backend/index.ts";
import { defaultLimits, type Fault, fault } from "../base/index.ts";
import { completionRoute, isPermitted, ownersOf, pageOf, proxyServer, referenceMemberOf, type Route, routeOf, serverScope, type View } from "../catalog/index.ts";
import { type Call, emptyObject, type Kind, memberOf, objectOf, type Outcome, parseObject, type RawObject, type RpcError, rpcErrorOf, stringOf } from "../protocol/index.ts";
import { mayExtend } from "./extensions.ts";
import { ofPair, toolNameOf } from "./inner.ts";
import type { Row, Scene, Unknown } from "./scene.ts";
import type { Snapshot } from "./snapshot.ts";

export type { Row, Scene, Unknown } from "./scene.ts";

const failed = (error: RpcError): Outcome => ({ kind: "failed", error });

const unknown = (what: string, name: string): Unknown => ({
  kind: "unknown",
  name,
  outcome: failed(rpcErrorOf(fault("NAME_UNKNOWN", { detail: `${what} ${JSON.stringify(name)}` }))),
});

const unknownUri = (uri: string): Unknown => ({
  kind: "unknown",
  name: null,
  outcome: failed(rpcErrorOf(fault("NAME_UNKNOWN", { detail: `resource ${JSON.stringify(uri)}`, data: { uri } }))),
});

const missing = (member: string): Outcome => failed(rpcErrorOf(fault("PARAMS_INVALID", { detail: `"${member}" must be a string` })));

/**
 * Whether another member has this name in other letters' cases. Some readers of JSON (Go's own among them) take it for the
 * same member, and the later one counts there: then another tool would run than the one that we let through.
 */
const hasTwin = ({ members }: RawObject, member: string): boolean => members.some(({ key }) => key.length === member.length && key !== member && key.toLowerCase() === member);

/** tools/call and prompts/get: the target is named by `params.name`. */
const named =
  (kind: "tools" | "prompts", what: string): Row =>
  (scene, call) => {
    const name = stringOf(call.params, "name");
    if (name === null) return missing("name");
    if (hasTwin(call.params, "name")) return failed(rpcErrorOf(fault("PARAMS_INVALID", { detail: 'two members are called "name" but for their case' })));
    const route = routeOf(scene.view, kind, name) ?? unlisted(scene, call, kind, name);
    if (route === null) return unknown(what, name);
    if (route.backend === proxyServer) return ofPair(scene, call, name, rowOf("tools/call"));
    return leaseOf(scene, route).call(call, targetOf(scene, route, route.local === name ? null : route.local));
  };

/** Where a name goes that is not listed; null: nowhere, be it that its definition is held back. */
const unlisted = (scene: Scene, call: Call, kind: "tools" | "prompts", name: string): Route | null => (scene.snapshot.withholds(call.selection.server ?? "", kind, name) ? null : passRoute(scene, call, name));

/**
 * On `/mcp/<server>` a name that the server does not list is still its own to refuse, in its own words; what the
 * operator switched off is not.
 */
function passRoute({ snapshot, view }: Scene, { selection }: Call, name: string): Route | null {
  const { server } = selection;
  if (server === null || !view.found) return null;
  const lease = snapshot.generation.leases.get(server);
  if (lease === undefined || !isPermitted(lease.spec, name)) return null;
  return { backend: server, local: name, tool: null };
}

const leaseOf = (scene: Scene, route: Route): Lease => {
  const lease = scene.snapshot.generation.leases.get(route.backend);
  if (lease === undefined) throw fault("BACKEND_DOWN", { backend: route.backend });
  scene.asked = route.backend;
  scene.tool = route.tool;
  return lease;
};

/** Whom a call is for, and what the server is told of its caller's extensions beside those that every server hears of. */
const targetOf = ({ view, extensions }: Scene, { backend, tool }: Route, name: string | null) => ({ name, tool, extensions: extensions.of(view, backend) });

/** resources/read: the URI goes unmodified to its owner (an alias as what it stands for); the next candidate is tried only when one does not know it. */
const read: Row = (scene, call) => {
  const uri = stringOf(call.params, "uri");
  if (uri === null) return missing("uri");
  const owners = ownersOf(scene.view, uri, scene.owners.of(call.principal.id, uri));
  if (owners.length === 0) return unknownUri(uri);
  return readFrom(scene, call, uri, owners);
};

async function readFrom(scene: Scene, call: Call, uri: string, owners: readonly Route[]): Promise<Outcome> {
  let outcome: Outcome | null = null;
  for (const owner of owners) {
    outcome = await leaseOf(scene, owner).call(call, targetOf(scene, owner, owner.local === uri ? null : owner.local));
    if (!isNotFound(outcome)) return outcome;
  }
  return outcome ?? failed(rpcErrorOf(fault("NAME_UNKNOWN")));
}

/** The two codes by which revisions say "no such resource". */
const isNotFound = (outcome: Outcome): boolean => outcome.kind === "failed" && (outcome.error.code === -32002 || outcome.error.code === -32602);

const noCompletion = parseObject('{"completion":{"values":[],"hasMore":false}}', defaultLimits) ?? emptyObject;

/**
 * completion/complete: the reference names a prompt or a template; its owner answers. The oldest revision completes
 * without announcing it. Of all servers together some complete, which a client cannot tell from those that do not.
 */
const complete: Row = (scene, call) => {
  const ref = objectOf(call.params, "ref");
  if (ref === null) return failed(rpcErrorOf(fault("PARAMS_INVALID", { detail: '"ref" must be an object' })));
  const route = completionRoute(scene.view, ref, (uri) => scene.owners.of(call.principal.id, uri));
  if (route === null) return unknownReference(stringOf(ref, "name"), stringOf(ref, "uri"));
  const named = referenceMemberOf(ref);
  const renamed = named !== null && stringOf(ref, named) !== route.local;
  const answered = leaseOf(scene, route).call(call, targetOf(scene, route, renamed ? route.local : null));
  return scene.view.server === null ? answered.then(orNoCompletion) : answered;
};

const orNoCompletion = (outcome: Outcome): Outcome => (outcome.kind === "failed" && outcome.error.code === -32601 ? { kind: "done", result: noCompletion } : outcome);

const unknownReference = (name: string | null, uri: string | null): Unknown => (name === null ? unknownUri(uri ?? "") : unknown("prompt", name));

/** The four lists, from the catalog of the moment. */
const list =
  (kind: Kind): Row =>
  (scene, call) => {
    const { view, snapshot, cursorKey, now } = scene;
    const refused = unseen(scene, call);
    if (refused !== null) return failed(rpcErrorOf(refused));
    const cursor = stringOf(call.params, "cursor");
    if (cursor === null && memberOf(call.params, "cursor") !== null) return missing("cursor");
    const found = pageOf(view, kind, { cursor, pageSize: snapshot.generation.config.pageSize, principalId: call.principal.id, key: cursorKey, now });
    return found.ok ? { kind: "done", result: found.page.result, cache: found.page.cache } : failed(rpcErrorOf(found.fault));
  };

const rows: Readonly<Record<string, Row>> = Object.freeze({
  "tools/call": named("tools", "tool"),
  "prompts/get": named("prompts", "prompt"),
  "resources/read": read,
  "completion/complete": complete,
  "tools/list": list("tools"),
  "prompts/list": list("prompts"),
  "resources/list": list("resources"),
  "resources/templates/list": list("templates"),
});

/** The row of a method; whatever we do not know goes to a server. A client may well call one "constructor". */
export const rowOf = (method: string): Row => (Object.hasOwn(rows, method) ? (rows[method] ?? passThrough) : passThrough);

/** The methods that are answered from the catalog: they may wait a moment for servers that are starting. */
export const isList = (method: string): boolean => method.endsWith("/list");

/** A call whose target needs no other name. */
const callAt = (scene: Scene, call: Call, backend: string): Promise<Outcome> => {
  const route = { backend, local: call.method, tool: null };
  return leaseOf(scene, route).call(call, targetOf(scene, route, null));
};

/** The call goes to the server that its id was issued for, as long as the caller sees that one. */
function bound(scene: Scene, call: Call, backend: string): Promise<Outcome> | Outcome {
  if (scene.view.servers.some(({ name }) => name === backend)) return callAt(scene, call, backend);
  return failed(rpcErrorOf(scopeFault(scene.snapshot, call) ?? fault("NAME_UNKNOWN", { detail: call.method })));
}

/**
 * A method without a row: the selected server's own business. Among all servers it is that of the only one that has an
 * extension which the client declares, where nobody else has that; nobody's otherwise.
 */
const passThrough: Row = (scene, call) => {
  if (call.backend !== null) return bound(scene, call, call.backend);
  const { view, extensions } = scene;
  const owner = view.server === null ? extensions.meant(view, call) : (passRoute(scene, call, call.method)?.backend ?? null);
  if (owner !== null) return callAt(scene, call, owner);
  const outcome = failed(rpcErrorOf(unseen(scene, call) ?? fault("METHOD_UNKNOWN", { detail: call.method })));
  // Only who speaks of an extension can mean a server that is still starting.
  return view.server === null && mayExtend(call, view.limits) ? { kind: "unknown", name: null, outcome } : outcome;
};

/**
 * The refusal of a call for which its caller has too little scope: what it needs, as the challenge names it. Null where
 * he has every scope, where nobody that he may know of could have been meant, and where the operator wants it not told:
 * then it is as with any name that there is not.
 */
export function scopeFault(snapshot: Snapshot, call: Pick<Call, "method" | "params" | "principal" | "selection" | "backend">): Fault | null {
  const { auth } = snapshot.generation.config;
  if (call.principal.scopes === null || auth.stepUp !== "challenge") return null;
  const server = meant(snapshot, call);
  // Whoever may use the server has asked for something that it does not have.
  if (server === null || snapshot.view(call.principal, call.selection).servers.some(({ name }) => name === server)) return null;
  return fault("SCOPE_MISSING", { op: call.method, data: { requiredScopes: [serverScope(server)] } });
}

/** The same for one server's own endpoint, which a caller who may not see it asks for something that needs no other owner. */
const unseen = ({ view, snapshot }: Scene, call: Call): Fault | null => (view.found ? null : scopeFault(snapshot, call));

type Aim = Pick<Call, "method" | "params" | "selection" | "backend">;

/** The server that a call would have gone to from somebody with every scope; null where that is none, or none to be known of. */
function meant(snapshot: Snapshot, call: Aim): string | null {
  const view = snapshot.known(call.selection);
  const server = call.backend ?? call.selection.server ?? (Object.hasOwn(targets, call.method) ? targets[call.method]?.(view, call, snapshot) : null) ?? null;
  return view.servers.some(({ name }) => name === server) ? server : null;
}

const namedTarget =
  (kind: "tools" | "prompts") =>
  (view: View, { params }: Aim, snapshot: Snapshot): string | null => {
    const name = toolNameOf(params, view.finder !== null) ?? "";
    return routeOf(view, kind, name)?.backend ?? absentOwner(view, name, snapshot);
  };

/** Who is away knows its own names, whatever a refused caller asks of them. */
const absentOwner = (view: View, name: string, snapshot: Snapshot): string | null => snapshot.absentOwners(view, name)[0]?.spec.name ?? null;

const completedTarget = (view: View, { params }: Aim, snapshot: Snapshot): string | null => {
  const ref = objectOf(params, "ref") ?? emptyObject;
  const name = stringOf(ref, "name");
  return completionRoute(view, ref)?.backend ?? (name === null ? null : absentOwner(view, name, snapshot));
};

const targets: Readonly<Record<string, (view: View, aim: Aim, snapshot: Snapshot) => string | null>> = Object.freeze({
  "tools/call": namedTarget("tools"),
  "prompts/get": namedTarget("prompts"),
  "resources/read": (view: View, { params }: Aim) => ownersOf(view, stringOf(params, "uri") ?? "")[0]?.backend ?? null,
  "completion/complete": completedTarget,
});
