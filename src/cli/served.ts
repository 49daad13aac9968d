/** What `serve` is to do: be the server, or see to the one of the state folder. Neither loads what only the other needs. */
import { fault } from "../base/index.ts";
import type { Occasion, Run } from "./occasion.ts";

/** What can be done with a server as a whole; each is a flag of `serve`. */
export const verbs = Object.freeze(["background", "status", "stop", "restart"] as const);
export type LifecycleVerb = (typeof verbs)[number];

/** Serves, or does what was asked for with the server. Throws USAGE for two such flags at once. */
export const served: Run = async (occasion) => {
  const verb = verbOf(occasion);
  return verb === null ? (await import("./serve.ts")).serve(occasion) : (await import("./lifecycle.ts")).lifecycle(occasion, verb);
};

function verbOf({ given }: Pick<Occasion, "given">): LifecycleVerb | null {
  const [first = null, another] = verbs.filter((verb) => given.has(verb));
  if (another !== undefined) throw fault("USAGE", { detail: `--${first} and --${another} are given`, hint: "give only one of them" });
  return first;
}
