/** What a watcher must be told: whether the lists that he sees are other lists now. */
import { kinds } from "./order.ts";
import type { Entry, View } from "./types.ts";

/** The lists that differ between two views of the same caller and selection; templates are told as resources. */
export function changesOf(before: View, after: View): ReadonlySet<"tools" | "prompts" | "resources"> {
  const changed = new Set<"tools" | "prompts" | "resources">();
  for (const kind of kinds) {
    if (!isSame(before.lists[kind].entries, after.lists[kind].entries)) changed.add(kind === "templates" ? "resources" : kind);
  }
  return changed;
}

// A changed owner behind an unchanged text is no change of the list: nobody outside can see it.
function isSame(before: readonly Entry[], after: readonly Entry[]): boolean {
  return before === after || (before.length === after.length && before.every((entry, index) => entry.raw === after[index]?.raw));
}
