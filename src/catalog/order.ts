/**
 * The order of everything that is listed. Code units, never a locale: two machines, two runs and two versions of ICU
 * must give the same bytes (2026-07-28, server/tools: a deterministic order keeps prompt caches of models valid).
 */
import type { Kind } from "../protocol/index.ts";

/** Compares two strings by code units; for `sort`. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The kinds in the order in which problems are told. */
export const kinds: readonly Kind[] = Object.freeze(["tools", "prompts", "resources", "templates"] as const);

/** A frozen record with one value a kind. */
export const byKind = <T>(of: (kind: Kind) => T): Readonly<Record<Kind, T>> =>
  Object.freeze({ tools: of("tools"), prompts: of("prompts"), resources: of("resources"), templates: of("templates") });
