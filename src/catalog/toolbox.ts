/** All tools of one server, those that nobody sees included: what the operator chooses from. */
import { nameTaken, seenName, toolStep } from "./explain.ts";
import type { Catalog, Offer } from "./types.ts";
import { viewOf } from "./view.ts";

/** One tool of a server. */
export interface ToolFacts {
  /** The server's own name of it. */
  readonly name: string;
  /** The name among the tools of all servers; null: it is not among them. */
  readonly public: string | null;
  /** Which rule shows it or hides it. */
  readonly because: string;
}

/** The tools that a server offers, in its own order; null where nothing is known of it. */
export function toolsOf(catalog: Catalog, offers: readonly Offer[], name: string): readonly ToolFacts[] | null {
  const offer = offers.find((one) => one.name === name);
  const server = catalog.servers.find((one) => one.name === name);
  if (offer === undefined || server === undefined || offer.inventory === null) return null;
  const view = viewOf(catalog, { id: "", scopes: null }, { server: null });
  return offer.inventory.lists.tools.map(({ id }) => {
    const shown = seenName(view, server, id);
    const { shows, because } = toolStep(catalog, offer, server, id);
    return { name: id, public: shown, because: shows && shown === null ? nameTaken : because };
  });
}
