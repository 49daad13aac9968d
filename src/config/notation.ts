/** What the formats of applications' files have in common: how each is read, and how its text is changed. */
import type { Application } from "./applications.ts";

/** What is to become of the servers in a file. */
export interface AppChange {
  readonly remove: readonly string[];
  /** The entry of this name, in place of one that may be there; null: none. */
  readonly set: { readonly name: string; readonly value: Readonly<Record<string, unknown>> } | null;
}

export type Form = Pick<Application, "format" | "key" | "shape">;

/** One format. Either throws what its library throws. */
export interface Notation {
  parse(text: string): unknown;
  change(text: string, form: Form, change: AppChange): string;
}
