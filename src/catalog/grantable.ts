/** What can be granted at the moment, for whoever decides: each scope, and which servers with which tools stand behind it. */
import { compareText } from "./order.ts";
import type { Catalog, Server } from "./types.ts";
import { serverScope, tagScope } from "./view.ts";

/** One scope, and what it opens now. */
export interface GrantableScope {
  readonly scope: string;
  readonly servers: readonly { readonly name: string; readonly tools: readonly string[] }[];
}

/** Tags first, since they hold most; then each server alone, in the configured order; then what is not about servers. */
export function grantableOf({ servers }: Catalog): readonly GrantableScope[] {
  const tags = [...new Set(servers.flatMap((server) => server.tags))].sort(compareText);
  return [
    ...tags.map((tag) => ({ scope: tagScope(tag), servers: servers.filter((server) => server.tags.includes(tag)).map(shownServer) })),
    ...servers.map((server) => ({ scope: serverScope(server.name), servers: [shownServer(server)] })),
    ...managing.map((scope) => ({ scope, servers: [] })),
  ];
}

const managing: readonly string[] = Object.freeze(["admin:read", "admin:write"]);

const shownServer = ({ name, own }: Server) => ({ name, tools: own.tools.map((entry) => entry.public) });
