/**
 * `${VAR}` and `${VAR:-default}` inside one string of the configuration. What comes out is one string again: a value is
 * never split into several arguments and never looked at for further references, so no value can become syntax.
 */
import type { Variables } from "./dotEnv.ts";

/** What became of one string. */
export interface Substituted {
  /** The text with values in place; where `missing` or `broken` is set it is of no use. */
  readonly text: string;
  /** Names that were referred to, in order: with any, the text may hold a secret. */
  readonly names: readonly string[];
  /** Referred to, without a default, and not set. */
  readonly missing: readonly string[];
  /** There is a `${` that begins no reference. */
  readonly broken: boolean;
}

const reference = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

/**
 * Puts values in place of references. The default counts when the variable is unset or empty, as in a shell; `$${` is
 * a literal `${`. Gives what is missing instead of throwing.
 */
export function substitute(template: string, variables: Variables): Substituted {
  const names: string[] = [];
  const missing: string[] = [];
  let broken = false;
  const text = template.replace(reference, (whole: string, name: string | undefined, fallback: string | undefined) => {
    if (whole === "$${") return "${";
    if (name === undefined) {
      broken = true;
      return whole;
    }
    names.push(name);
    const value = valueOf(variables.get(name), fallback);
    if (value === undefined) missing.push(name);
    return value ?? whole;
  });
  return { text, names, missing, broken };
}

const valueOf = (value: string | undefined, fallback: string | undefined): string | undefined =>
  fallback !== undefined && (value === undefined || value === "") ? fallback : value;

/** Whether a string holds any reference or escape. */
export const hasReference = (template: string): boolean => template.includes("${");
