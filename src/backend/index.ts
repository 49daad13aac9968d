/** Backend: one upstream server, started, kept alive, called and closed; and the pool that shares it. */
export type { BackendState, BackendStatus, Lease, Offered, Pool, PoolEvents, Subscription } from "./types.ts";
export type { Sharer } from "./sharing.ts";
export type { Variant } from "./variants.ts";
export { createPool, type PoolOptions } from "./pool.ts";
