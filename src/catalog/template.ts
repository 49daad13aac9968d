/**
 * Which URIs a URI template can have been expanded to. RFC 6570 defines expansion only; going back, an expression may
 * stand for any text its operator can produce, which is enough to find the owner: the backend itself judges the URI.
 *
 * Matched by hand and not by a RegExp made of the template: a backend writes the template, and its pattern must not be
 * able to cost exponential time.
 */
import type { Pattern } from "./types.ts";

/** How an expression's text starts, and which characters end it. */
interface Expression {
  readonly first: string;
  readonly stops: string;
}

/** One expression of a template, or the literal text between two. */
type Part = { readonly literal: string } | Expression;

// RFC 6570, appendix A. Reserved expansion ("+", "#") may hold any character.
const operators: Readonly<Record<string, Expression>> = Object.freeze({
  "": { first: "", stops: "/?#" },
  "+": { first: "", stops: "" },
  "#": { first: "#", stops: "" },
  ".": { first: ".", stops: "/?#" },
  "/": { first: "/", stops: "?#" },
  ";": { first: ";", stops: "/?#" },
  "?": { first: "?", stops: "#" },
  "&": { first: "&", stops: "#" },
});

const expression = /\{([+#./;?&]?)([^{}]*)\}/g;

/**
 * A template of a backend, ready to match. A brace that is no expression is taken literally. Nothing longer than
 * `charsMax` is matched: the work grows with template times URI, and both come from outside.
 */
export function patternOf(template: string, backend: string, charsMax: number): Pattern {
  const parts = template.length > charsMax ? null : partsOf(template);
  const [first] = parts ?? [];
  return Object.freeze({
    template,
    backend,
    prefix: first !== undefined && "literal" in first ? first.literal : "",
    steps: stepsOf(parts ?? []),
    matches: (uri: string) => parts !== null && uri.length <= charsMax && matchesParts(parts, uri),
  });
}

// A long literal that overlaps itself is compared anew at each character.
const stepsOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + ("literal" in part ? 1 + Math.floor(part.literal.length / charsPerStep) : 1), 0);

/** Characters that are compared in the time of one step. */
const charsPerStep = 64;

function partsOf(template: string): readonly Part[] {
  const parts: Part[] = [];
  let done = 0;
  for (const match of template.matchAll(expression)) {
    if (match.index > done) parts.push({ literal: template.slice(done, match.index) });
    parts.push(operators[match[1] ?? ""] ?? { first: "", stops: "" });
    done = match.index + match[0].length;
  }
  if (done < template.length) parts.push({ literal: template.slice(done) });
  return parts;
}

// All offsets at which the parts so far may end, advanced part by part: parts times characters, no backtracking.
function matchesParts(parts: readonly Part[], uri: string): boolean {
  let ends = new Uint8Array(uri.length + 1);
  ends[0] = 1;
  for (const part of parts) ends = "literal" in part ? afterLiteral(ends, part.literal, uri) : afterExpression(ends, part, uri);
  return ends[uri.length] === 1;
}

function afterLiteral(ends: Uint8Array, literal: string, uri: string): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(ends.length);
  for (let at = uri.indexOf(literal); at !== -1; at = uri.indexOf(literal, at + 1)) {
    if (ends[at] === 1) next[at + literal.length] = 1;
  }
  return next;
}

function afterExpression(ends: Uint8Array, part: Expression, uri: string): Uint8Array<ArrayBuffer> {
  // An undefined variable expands to nothing at all, so every offset stays possible.
  const next = Uint8Array.from(ends);
  let open = false;
  for (let at = 0; at <= uri.length; at += 1) {
    const from = at - part.first.length;
    if (ends[from] === 1 && uri.startsWith(part.first, from)) open = true;
    if (open) next[at] = 1;
    if (part.stops.includes(uri.charAt(at))) open = false;
  }
  return next;
}
