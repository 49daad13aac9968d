/** Puts spans around a hub and its pool where somebody collects them; loaded then, and not before. */
import type { Pool } from "../backend/index.ts";
import type { Exporting } from "../base/index.ts";
import type { Serve } from "../protocol/index.ts";

/** What is put around, or nothing at all. */
export interface Tracing {
  serve(serve: Serve): Serve;
  pool(pool: Pool): Pool;
}

const nothing: Tracing = Object.freeze({ serve: (serve: Serve) => serve, pool: (pool: Pool) => pool });

/** `exporting` null: everything stays as it is. */
export async function openTracing(exporting: Exporting | null): Promise<Tracing> {
  if (exporting === null) return nothing;
  const { traced, tracedPool } = await import("./tracing.ts");
  return { serve: (serve) => traced(serve, exporting), pool: (pool) => tracedPool(pool, exporting) };
}
