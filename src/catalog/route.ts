/**
 * Who answers. Names are looked up, never split: a backend may have any separator in its names. Resource URIs have no
 * backend in them, so they are traced to candidates in a fixed order (docs: resources behind one address); nothing here
 * asks a backend, and nobody is asked who is not a candidate, since the question alone would tell the URI.
 */
import { type Kind, type RawObject, stringOf } from "../protocol/index.ts";
import { aliasStart, isAlias, meantBy } from "./alias.ts";
import type { Route, View } from "./types.ts";
import { schemeOf } from "./view.ts";

/** The owner of a public name of this view, or of an unprefixed name that only one of its backends has; null for none. */
export const routeOf = (view: View, kind: Kind, name: string): Route | null => view.lists[kind].routes.get(name) ?? null;

/**
 * Who may own a URI, best candidate first: who lists it; who named it to this caller in a result (`learned`); who names
 * it in a tool; whose template fits (most literal prefix first); who alone uses its scheme. The next one is tried only
 * where the one before did not find it. An alias leads to its server alone; on one server
 * everything leads to that.
 */
export function ownersOf(view: View, uri: string, learned: readonly string[] = noNames): readonly Route[] {
  if (view.server !== null) return alone(view, uri);
  const meant = routeByAlias(view, uri);
  if (meant !== null) return [meant];
  const routes = new Map<string, Route>();
  for (const route of candidates(view, uri, learned)) if (!routes.has(route.backend)) routes.set(route.backend, route);
  return [...routes.values()];
}

function* candidates(view: View, uri: string, learned: readonly string[]): Generator<Route> {
  yield* view.owners.get(uri) ?? noRoutes;
  // In the configured order, whoever named it first.
  if (learned.length > 0) for (const { name } of view.servers) if (learned.includes(name)) yield routeTo(name, uri);
  yield* view.linked.get(uri) ?? noRoutes;
  for (const backend of ownersByPattern(view, uri)) yield routeTo(backend, uri);
  const only = onlyOfScheme(view, uri);
  if (only !== null) yield routeTo(only, uri);
}

const noNames: readonly string[] = Object.freeze([]);
const noRoutes: readonly Route[] = Object.freeze([]);

// Any resource of any visible server may be asked for in this form, listed so or not: an alias that was handed out goes
// on to work when the collision that it was made for is gone. It is that server's whoever lists it: nobody can put
// himself in its place.
function routeByAlias(view: View, uri: string): Route | null {
  const meant = meantBy(uri);
  return meant !== null && view.servers.some(({ name }) => name === meant.server) ? routeTo(meant.server, meant.uri) : null;
}

// Templates are written by backends and URIs by clients: together they may cost a bounded number of steps, no more, of
// which each backend has an equal share, so that none can use up another's. An alias that is not ours any more fits only
// a template of aliases: whose template fits everything must not answer for servers that are not there.
function* ownersByPattern({ limits, patterns, servers }: View, uri: string): Generator<string> {
  const share = Math.floor(limits.matchStepsMax / servers.length);
  const left = new Map<string, number>();
  const needed = isAlias(uri) ? aliasStart : "";
  for (const { backend, matches, prefix, steps } of patterns) {
    if (!uri.startsWith(prefix) || !prefix.startsWith(needed)) continue;
    const stepsLeft = (left.get(backend) ?? share) - steps * uri.length;
    left.set(backend, stepsLeft);
    if (stepsLeft < 0 || !matches(uri)) continue;
    // Once is enough.
    left.set(backend, -1);
    yield backend;
  }
}

/**
 * Who completes a reference (`ref/prompt` by name, `ref/resource` by URI or by the template itself); null for nobody.
 * On one server that server, whatever the reference says.
 */
export function completionRoute(view: View, ref: RawObject, learnedOf: (uri: string) => readonly string[] = () => noNames): Route | null {
  const member = referenceMemberOf(ref);
  const named = member === null ? null : stringOf(ref, member);
  if (view.server !== null) return alone(view, named ?? "")[0] ?? null;
  if (named === null) return null;
  return member === "name" ? routeOf(view, "prompts", named) : ownerOf(view, named, learnedOf(named));
}

const ownerOf = (view: View, uri: string, learned: readonly string[]): Route | null => routeOf(view, "templates", uri) ?? ownersOf(view, uri, learned)[0] ?? null;

/** The member of a reference that names what is meant; null for a type of reference that is not known. */
export function referenceMemberOf(ref: RawObject): "name" | "uri" | null {
  const type = stringOf(ref, "type");
  if (type === "ref/prompt") return "name";
  return type === "ref/resource" ? "uri" : null;
}

const alone = (view: View, local: string): readonly Route[] => view.servers.map(({ name }) => routeTo(name, local));

const routeTo = (backend: string, local: string): Route => ({ backend, local, tool: null });

function onlyOfScheme(view: View, uri: string): string | null {
  const scheme = schemeOf(uri);
  return scheme === null ? null : (view.schemes.get(scheme) ?? null);
}
