/** What more than one part of the schema is made of; apart from it, since those parts are files of their own. */
import * as v from "valibot";

export const secondMs = 1000;
export const dayMs = 24 * 60 * 60 * secondMs;

/** A text with something in it. */
export const text = () => v.pipe(v.string(), v.minLength(1, "must not be empty"));

/** A whole number within these bounds. */
export const wholeNumber = (least: number, most: number, description: string) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(), v.integer(message), v.minValue(least, message), v.maxValue(most, message), v.description(description));
};

/** One scope (RFC 6749, appendix A.4). */
const scope = v.pipe(v.string(), v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "is not a scope"));

/** Scopes in any number, none included. */
export const scopes = (description: string) => v.pipe(v.array(scope), v.description(description));

/** Whether a URL is safe from whoever is on the way: https, or this very computer, where nobody is between (RFC 8252, section 8.3). */
export const isSafeWay = ({ protocol, hostname }: URL): boolean => protocol === "https:" || (protocol === "http:" && /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname));
