/** Backend: one upstream server, started, kept alive, called and closed; and the pool that shares it. */
export type { BackendState, BackendStatus, BreakerState, Lease, Offered, Pool, PoolEvents, Subscription, Variant } from "./types.ts";
export { leftEarlier, reapEarlier } from "./ledger.ts";
export type { Sharer } from "./sharing.ts";
export { createPool, type PoolOptions } from "./pool.ts";
