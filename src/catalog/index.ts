/** Catalog: which names exist, who may see them, which backend answers. Data in, data out. */
export { aliasOf } from "./alias.ts";
export { capabilitiesOf } from "./capabilities.ts";
export { changesOf } from "./changes.ts";
export { instructionsOf } from "./instructions.ts";
export { extensionsIn, isOwnable, ownExtensions } from "./extensions.ts";
export { type AskedTool, type Explained, type ExplainedStep, explainTool, type SelectedServer, selectedServers } from "./explain.ts";
export { type Fetched, inventoryOf } from "./inventory.ts";
export { buildCatalog, type CatalogOptions } from "./merge.ts";
export { digestOfDrifts, type Drift, driftsOf, firstSeen, lostPins, pinKey, type Pins, pinsOf, withAll } from "./pins.ts";
export { cacheOf, type PageOptions, pageOf, type PageResult } from "./page.ts";
export { completionRoute, ownersOf, referenceMemberOf, routeOf } from "./route.ts";
export type { Catalog, Entry, Freshness, Inventory, Item, Offer, Page, Pattern, Problem, Route, Server, View, ViewList, WholeList } from "./types.ts";
export { grantableOf, type GrantableScope } from "./grantable.ts";
export { selectorOf } from "./tagquery.ts";
export { knownView, serverScope, tagScope, viewKeyOf, viewOf } from "./view.ts";
