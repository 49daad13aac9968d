/**
 * Descriptions that speak of another server's tools. What a model reads about one tool can steer how it uses another one
 * ("before each send_mail call …"); whether that is meant well nobody here can tell, so it is told and changes nothing.
 */
import { publicName } from "../protocol/index.ts";
import { isDistinctive } from "./clean.ts";
import { kinds } from "./order.ts";
import type { Offer, Problem } from "./types.ts";

/** Each item whose description names a tool of another server, and none of its own by that name. */
export function strangeMentions(offers: readonly Offer[], separator: string): readonly Problem[] {
  if (offers.length < 2) return [];
  const owners = ownersOf(offers, separator);
  return offers.flatMap(({ name, inventory }) =>
    kinds.flatMap((kind) =>
      (inventory?.lists[kind] ?? []).flatMap(({ id, mentions }) => {
        const strange = mentions.filter((word) => owners.get(word)?.has(name) === false);
        return strange.length === 0 ? [] : [Object.freeze({ backend: name, kind, id, reason: `its description names tools of other servers: ${strange.slice(0, namedMax).join(", ")}` })];
      }),
    ),
  );
}

const namedMax = 5;

/** Names that can be meant, with the servers that have tools of that name. */
function ownersOf(offers: readonly Offer[], separator: string): ReadonlyMap<string, ReadonlySet<string>> {
  const owners = new Map<string, Set<string>>();
  const add = (name: string, backend: string): void => void owners.set(name, (owners.get(name) ?? new Set<string>()).add(backend));
  for (const { name, prefix, inventory } of offers) {
    for (const { id, merged } of inventory?.lists.tools ?? []) {
      if (merged === null) continue;
      add(publicName(prefix, separator, id), name);
      if (isDistinctive(id)) add(id, name);
    }
  }
  return owners;
}
