/**
 * Who answers. Names are looked up, never split: a backend may have any separator in its names. Resource URIs have no
 * backend in them, so they are traced to candidates in a fixed order (docs: resources behind one address); nothing here
 * asks a backend, and nobody is asked who is not a candidate, since the question alone would tell the URI.
 */
import { type Kind, type RawObject, stringOf } from "../protocol/index.ts";
import type { Route, View } from "./types.ts";
import { schemeOf } from "./view.ts";

/** The owner of a public name of this view, or of an unprefixed name that only one of its backends has; null for none. */
export const routeOf = (view: View, kind: Kind, name: string): Route | null => view.lists[kind].routes.get(name) ?? null;

/**
 * Who may own a URI, best candidate first: who lists it or names it in a tool, whose template fits (most literal prefix
 * first), who alone uses its scheme. The next one is tried only where the one before did not find it. On one server
 * always that server.
 */
export function ownersOf(view: View, uri: string): readonly Route[] {
  if (view.server !== null) return alone(view, uri);
  const routes = new Map<string, Route>();
  const add = (route: Route): void => void (routes.has(route.backend) || routes.set(route.backend, route));
  for (const route of view.owners.get(uri) ?? []) add(route);
  for (const backend of ownersByPattern(view, uri)) add(routeTo(backend, uri));
  const only = onlyOfScheme(view, uri);
  if (only !== null) add(routeTo(only, uri));
  return [...routes.values()];
}

// Templates are written by backends and URIs by clients: together they may cost a bounded number of steps, no more.
function* ownersByPattern({ limits, patterns }: View, uri: string): Generator<string> {
  let stepsLeft = limits.matchStepsMax;
  for (const pattern of patterns) {
    if (!uri.startsWith(pattern.prefix)) continue;
    stepsLeft -= pattern.steps * uri.length;
    if (stepsLeft < 0) return;
    if (pattern.matches(uri)) yield pattern.backend;
  }
}

/**
 * Who completes a reference (`ref/prompt` by name, `ref/resource` by URI or by the template itself); null for nobody.
 * On one server that server, whatever the reference says.
 */
export function completionRoute(view: View, ref: RawObject): Route | null {
  const type = stringOf(ref, "type");
  if (type === "ref/prompt") return promptRoute(view, stringOf(ref, "name"));
  if (type !== "ref/resource") return null;
  const uri = stringOf(ref, "uri");
  if (uri === null) return null;
  return routeOf(view, "templates", uri) ?? ownersOf(view, uri)[0] ?? null;
}

function promptRoute(view: View, name: string | null): Route | null {
  if (name === null) return null;
  return view.server === null ? routeOf(view, "prompts", name) : (alone(view, name)[0] ?? null);
}

const alone = (view: View, local: string): readonly Route[] => view.servers.map(({ name }) => routeTo(name, local));

const routeTo = (backend: string, local: string): Route => ({ backend, local, tool: null });

function onlyOfScheme(view: View, uri: string): string | null {
  const scheme = schemeOf(uri);
  return scheme === null ? null : (view.schemes.get(scheme) ?? null);
}
