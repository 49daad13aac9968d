/** A value that must never be printed: every accidental way to a string gives "[secret]". */

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
