/** What one configuration makes of the servers of the one before, and how that reads. */
import type { Lease } from "../backend/index.ts";
import type { Limits } from "../base/index.ts";
import type { BackendSpec, Issue } from "../config/index.ts";
import type { Generation } from "./generation.ts";
import type { Change, HubStatus } from "./types.ts";

/** Every server of the two, by what became of it. */
export function changeOf(before: Generation, next: Generation): Change {
  const fates = [...next.leases].map(([name, lease]) => [name, fateOf(before.leases.get(name), lease)] as const);
  const those = (wanted: string): string[] => fates.filter(([, fate]) => fate === wanted).map(([name]) => name);
  return { added: those("added"), removed: [...before.leases.keys()].filter((name) => !next.leases.has(name)), changed: those("changed"), kept: those("kept") };
}

/** What the newer configuration means for a server of the older one. */
export function fateOf(before: Lease | undefined, next: Lease): "added" | "changed" | "kept" {
  if (before === undefined) return "added";
  return isSame(before.spec, next.spec) ? "kept" : "changed";
}

/** One that cannot be used has no process, though all that would reach it is as it was. */
const isSame = (before: BackendSpec, next: BackendSpec): boolean => before.fingerprint === next.fingerprint && before.life === next.life && before.issue?.message === next.issue?.message;

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

/** What came of looking at the configuration again. */
export interface Reloaded {
  /** "failed": it is right, but could not be put in place; the one before goes on, as it does when one was rejected. */
  readonly result: "changed" | "unchanged" | "rejected" | "failed";
  readonly path: string | null;
  /** What became of the servers of the configuration before. */
  readonly change: Change;
  /** Why it was rejected, or why single servers of it are out. */
  readonly issues: readonly Issue[];
  /** Settings that have changed and count from the next start only. */
  readonly restart: readonly string[];
  /** Why it failed. */
  readonly reason: string | null;
}

/** What a look at the configuration led to, from what is seen before and after it. */
export function reloadedOf(before: HubStatus, after: HubStatus, adopted: Pick<Reloaded, "restart" | "reason">): Reloaded {
  const { path, issues, state } = after.config;
  const isNew = after.config !== before.config;
  const change = isNew && state === "valid" ? after.change : { added: [], removed: [], changed: [], kept: after.backends.map(({ name }) => name) };
  return { result: resultOf(isNew, after, adopted), path, change, issues, ...adopted };
}

function resultOf(isNew: boolean, { config }: HubStatus, { reason }: Pick<Reloaded, "reason">): Reloaded["result"] {
  if (config.state === "rejected") return "rejected";
  if (reason !== null) return "failed";
  return isNew ? "changed" : "unchanged";
}
