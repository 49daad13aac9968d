/**
 * How a secret is referred to in a configuration, in place of its value: the shape. What it leads to is read elsewhere
 * (references.ts). Apart from the schema, whose parts share it.
 */
import * as v from "valibot";
import { text } from "./shapes.ts";

/** A value that is written out. */
export const plainText = v.string();

/** The form of a reference. */
export const secretReference = v.strictObject({
  $env: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of a variable"), v.description("The value of this variable."))),
  $file: v.optional(v.pipe(text(), v.description("The content of this file without its last line break; a relative path starts at the configuration's folder."))),
  $cred: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]+$/, "is not the name of a credential"), v.description("The service manager's credential of this name."))),
  $keychain: v.optional(v.pipe(v.string(), v.regex(/^[^/]+\/[^/]+$/, "must be service/name"), v.description("The entry service/name of the system's keychain."))),
});
const oneReference = v.pipe(secretReference, v.check((given) => Object.keys(given).length === 1, "must have exactly one of $env, $file, $cred and $keychain"));
/** A string, or where its value is to be taken from. */
export const valueEither = v.lazy((input) => (typeof input === "object" && input !== null && !Array.isArray(input) ? oneReference : plainText)) as unknown as v.GenericSchema<string | SecretReference>;

/** Where the value of a secret is to be taken from; exactly one of its members is there. */
export type SecretReference = v.InferOutput<typeof secretReference>;

/** What one reference came to; the problem follows upon the name of what needs it. */
export type Found = { readonly value: string } | { readonly problem: string };
