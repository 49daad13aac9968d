/**
 * JSON that is relayed and not read. A message is scanned once: the whole text is validated (grammar, depth, no lone
 * control characters), and the members of the envelope, of `params`/`result`/`error` and of their `_meta` are located
 * by offset. Payloads are never turned into values, so numbers, key order and unknown members travel as they came.
 *
 * Text, not bytes: UTF-8 decoded fatally is a bijection, and on Bun slicing and joining strings is cheaper than copying
 * byte arrays (docs/decisions).
 */

/** Valid JSON text of one value, without surrounding white space and without any line break. */
export type Raw = string;

/** One member: `from` is the offset of the key's opening quote, [start, end) the value's text. Offsets into the owner's `text`. */
export interface RawMember {
  readonly key: string;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/** An object whose members are located. [open, close) is its own text within `text`, braces included. */
export interface RawObject {
  readonly text: string;
  readonly open: number;
  readonly close: number;
  readonly members: readonly RawMember[];
}
