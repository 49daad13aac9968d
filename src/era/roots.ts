/**
 * That a client's roots have changed (2025-11-25, client/roots), on its way to those backends whose only client it is.
 * Nobody else is told: a backend that several share asked for the roots of one of them, and would take the news for its.
 */
import { faultOf } from "../base/index.ts";
import { memberOf, type Message, notificationText, objectOf, parseObject } from "../protocol/index.ts";
import { noHeaders, type South } from "./south.ts";

const changed = "notifications/roots/list_changed";

/** Who wants to hear that one client's roots have changed. */
export class RootsNews {
  readonly #listeners = new Set<() => void>();

  /** Takes what the client says; anything else means nothing here. */
  take({ method }: Message & { readonly kind: "notification" }): void {
    if (method === changed) for (const listener of [...this.#listeners]) listener();
  }

  /** Runs `listener` at each change; gives what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** Whether the backend of this connection was told that it will hear of changes. */
function isPromised({ options, limits }: South): boolean {
  const declared = parseObject(options.capabilities, limits);
  const roots = declared === null ? null : objectOf(declared, "roots");
  return roots !== null && memberOf(roots, "listChanged") === "true";
}

/** Tells the backend of this connection whenever the roots of its only client have changed; gives what ends that. */
export function passRootsOn(south: South, headers: () => typeof noHeaders): () => void {
  const { beside, name } = south.options;
  if (beside === undefined || !isPromised(south)) return () => undefined;
  const tell = async (): Promise<void> => {
    await south.wire.send(notificationText(changed, null), headers()).catch((thrown: unknown) => {
      south.log.debug("a change of roots could not be told", { backend: name, code: faultOf(thrown).code });
    });
  };
  return beside.onRoots(() => void tell());
}
