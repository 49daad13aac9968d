/** All tools of one server, those that nobody sees included: what the operator chooses from. */
import { toolStep } from "./explain.ts";
import type { Catalog, Offer } from "./types.ts";

/** One tool of a server. */
export interface ToolFacts {
  /** The server's own name of it. */
  readonly name: string;
  /** The name in lists of all servers; null: it is in none. */
  readonly public: string | null;
  /** Which rule shows it or hides it. */
  readonly because: string;
}

/** The tools that a server offers, in its own order; null where nothing is known of it. */
export function toolsOf(catalog: Catalog, offers: readonly Offer[], name: string): readonly ToolFacts[] | null {
  const offer = offers.find((one) => one.name === name);
  const server = catalog.servers.find((one) => one.name === name);
  if (offer === undefined || server === undefined || offer.inventory === null) return null;
  const shown = new Map(server.merged.tools.map((entry) => [entry.route.local, entry.public]));
  return offer.inventory.lists.tools.map(({ id }) => ({ name: id, public: shown.get(id) ?? null, because: toolStep(catalog, offer, server, id).because }));
}
