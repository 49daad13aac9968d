/**
 * A value that must never be printed: every accidental way to a string gives "[secret]". And, for what escapes that
 * because a peer sent it back to us in a text, a book of the known values that takes them out of any text.
 */
import { defaultLimits, fixedBounds, type Limits } from "./limits.ts";

const mask = "[secret]";

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The only way out. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return mask;
  }

  toJSON(): string {
    return mask;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return mask;
  }
}

/** The value of a plain string or a secret. */
export const reveal = (value: string | Secret): string => (typeof value === "string" ? value : value.reveal());

/** The secret values that this process knows, to take them out of texts of foreign origin. */
export interface KnownSecrets {
  /**
   * Remembers a value. Short ones are not kept: taking "a1" out of every line would hide nothing and garble all. Of what
   * is `passing` (others give new ones without end) none takes the place of what the operator wrote down.
   */
  add(value: string | Secret, isPassing?: boolean): void;
  /** The text with every known value, and everything shaped like one of our tokens, masked. */
  scrub(text: string): string;
}

// Our own bearer tokens, whoever issued them and whether or not this process knows them; and everybody's signed ones.
const tokenShape = /1mcp_[0-9A-Za-z]{20,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;

/** Makes an empty book. Holds at most `secretsMax` values of each kind, the oldest go first. */
export function createKnownSecrets({ secretsMax }: Pick<Limits, "secretsMax"> = defaultLimits): KnownSecrets {
  const lasting = new Set<string>();
  const passing = new Set<string>();
  return {
    add(secret, isPassing = false) {
      const value = reveal(secret);
      if (value.length < fixedBounds.secretLengthMin) return;
      const values = isPassing ? passing : lasting;
      values.add(value);
      if (values.size > secretsMax) values.delete(values.values().next().value ?? "");
    },
    scrub(text) {
      // Longest first, so that a secret which contains another one leaves no rest behind.
      const found = [...lasting, ...passing].filter((value) => text.includes(value)).sort((a, b) => b.length - a.length);
      return found.reduce((rest, value) => rest.replaceAll(value, mask), text).replace(tokenShape, mask);
    },
  };
}
