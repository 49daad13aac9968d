/**
 * The revisions of MCP as data, newest first, and which era each is in: the only place where dates are compared. A new
 * revision is one more word here and, if needed, a row in `convert.ts`.
 */

/** Revisions in which each request carries all it needs. */
export const modernRevisions = Object.freeze(["2026-07-28"] as const);
export type ModernRevision = (typeof modernRevisions)[number];

/** Revisions that open with a handshake. */
export const legacyRevisions = Object.freeze(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const);
export type LegacyRevision = (typeof legacyRevisions)[number];

export const newestModern: ModernRevision = modernRevisions[0];
export const newestLegacy: LegacyRevision = legacyRevisions[0];

/** The modern revision of this name, or null. */
export const modernRevisionOf = (name: string | null): ModernRevision | null => modernRevisions.find((known) => known === name) ?? null;

/** The legacy revision of this name, or null. */
export const legacyRevisionOf = (name: string | null): LegacyRevision | null => legacyRevisions.find((known) => known === name) ?? null;

/** Revisions are named by date, so the later name is the later revision. */
export const isBefore = (revision: LegacyRevision, other: LegacyRevision): boolean => revision < other;
