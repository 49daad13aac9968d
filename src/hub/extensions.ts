/**
 * Which extensions are a server's alone among those that a caller sees, remembered for each view: every call on all
 * servers asks, and the answer changes only with the view.
 */
import type { Limits } from "../base/index.ts";
import { extensionsIn, isOwnable, ownExtensions, type View } from "../catalog/index.ts";
import type { Call } from "../protocol/index.ts";

type Own = ReadonlyMap<string, readonly string[]>;

export class OwnExtensions {
  /** Weak: a view that nobody uses any more is let go. */
  readonly #made = new WeakMap<View, Own>();

  /** What this server alone has; null for nothing, and where the caller sees it alone and all of its extensions. */
  of(view: View, backend: string): readonly string[] | null {
    return view.server === null ? (this.#all(view).get(backend) ?? null) : null;
  }

  /** The one server whose own extensions the caller declares; null where none or several could be meant. */
  meant(view: View, { client }: Call): string | null {
    const declared = extensionsIn(client.capabilities, view.limits);
    if (declared.members.length === 0) return null;
    const [only, ...others] = [...this.#all(view)].filter(([, own]) => declared.members.some(({ key }) => own.includes(key)));
    return only === undefined || others.length > 0 ? null : only[0];
  }

  #all(view: View): Own {
    const known = this.#made.get(view);
    if (known !== undefined) return known;
    const made = ownExtensions(view);
    this.#made.set(view, made);
    return made;
  }
}

/** The client declares an extension that a server could have for itself. */
export const mayExtend = ({ client }: Call, limits: Limits): boolean => extensionsIn(client.capabilities, limits).members.some(({ key }) => isOwnable(key));
