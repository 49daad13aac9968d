/**
 * The standing watches, and the one place that announces a change: after a quiet time, each watch hears of the kinds
 * whose visible list really differs from the one it last could have seen.
 */
import { type Clock, fault, type Timer } from "../base/index.ts";
import { changesOf, type View } from "../catalog/index.ts";
import type { Watch } from "../protocol/index.ts";
import type { Snapshot } from "./snapshot.ts";

interface Standing {
  readonly watch: Watch;
  seen: View;
}

export class Watchers {
  readonly #standing = new Set<Standing>();
  /** How many each principal has. */
  readonly #counts = new Map<string, number>();
  readonly #clock: Clock;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Opens a watch against what is visible in `now`; gives back how to end it. Throws LIMIT_REACHED. */
  open(watch: Watch, now: Snapshot): () => void {
    if (this.#standing.size >= now.limits.watchesMax) throw fault("LIMIT_REACHED", { detail: `limits.watchesMax is ${now.limits.watchesMax}` });
    const { id } = watch.principal;
    const count = this.#counts.get(id) ?? 0;
    if (count >= now.limits.watchesPerPrincipalMax) throw fault("LIMIT_REACHED", { detail: `limits.watchesPerPrincipalMax is ${now.limits.watchesPerPrincipalMax}` });
    const standing: Standing = { watch, seen: now.view(watch.principal, watch.selection, watch) };
    this.#standing.add(standing);
    this.#counts.set(id, count + 1);
    return () => this.#end(standing);
  }

  #end(standing: Standing): void {
    if (!this.#standing.delete(standing)) return;
    const { id } = standing.watch.principal;
    const left = (this.#counts.get(id) ?? 1) - 1;
    if (left === 0) this.#counts.delete(id);
    else this.#counts.set(id, left);
  }

  /** The world has changed: announce after the quiet time; `current` is asked then, so a burst becomes one notice. */
  announce(quietMs: number, current: () => Snapshot): void {
    this.#timer ??= this.#clock.timer(quietMs, () => {
      this.#timer = null;
      this.#flush(current());
    });
  }

  #flush(now: Snapshot): void {
    // Watches of like callers hold the same view objects, so each pair is compared once.
    const compared = new Map<View, Map<View, ReturnType<typeof changesOf>>>();
    for (const standing of this.#standing) {
      const { watch, seen } = standing;
      const view = now.view(watch.principal, watch.selection, watch);
      if (view === seen) continue;
      const among = compared.get(seen) ?? new Map<View, ReturnType<typeof changesOf>>();
      const changes = among.get(view) ?? changesOf(seen, view);
      compared.set(seen, among.set(view, changes));
      standing.seen = view;
      for (const kind of changes) watch.changed(kind);
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#standing.clear();
    this.#counts.clear();
  }
}
