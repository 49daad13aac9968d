/** What one configuration makes of the servers of the one before, and how that reads. */
import type { Lease } from "../backend/index.ts";
import type { Limits } from "../base/index.ts";
import type { Generation } from "./generation.ts";
import type { Change } from "./types.ts";

/** Every server of the two, by what became of it. */
export function changeOf(before: Generation, next: Generation): Change {
  const fates = [...next.leases].map(([name, lease]) => [name, fateOf(before.leases.get(name), lease)] as const);
  const those = (wanted: string): string[] => fates.filter(([, fate]) => fate === wanted).map(([name]) => name);
  return { added: those("added"), removed: [...before.leases.keys()].filter((name) => !next.leases.has(name)), changed: those("changed"), kept: those("kept") };
}

/** What the newer configuration means for a server of the older one. */
export function fateOf(before: Lease | undefined, next: Lease): "added" | "changed" | "kept" {
  if (before === undefined) return "added";
  return before.spec.fingerprint === next.spec.fingerprint ? "kept" : "changed";
}

/** A change for one line of the log: names, as many as are worth reading. */
export function namesOf(change: Change, limits: Pick<Limits, "namesShownMax">): Readonly<Record<keyof Change, string>> {
  const { added, removed, changed, kept } = change;
  return { added: listed(added), removed: listed(removed), changed: listed(changed), kept: listed(kept) };

  function listed(names: readonly string[]): string {
    const shown = names.slice(0, limits.namesShownMax).join(", ");
    const more = names.length - limits.namesShownMax;
    return more > 0 ? `${shown} and ${more} more` : shown;
  }
}
