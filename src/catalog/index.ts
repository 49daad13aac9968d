/** Catalog: which names exist, who may see them, which backend answers. Data in, data out. */
export type { Entry, Inventory, Item, Offer, Problem, Route } from "./types.ts";
