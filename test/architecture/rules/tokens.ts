/**
 * A small reader of TypeScript's words, enough to tell code from comments and strings. The compiler offers no
 * JavaScript interface any more, and Bun's own import scanner drops type imports, which count here.
 */

export interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "comment" | "mark";
  /** As it stands in the source; quotes included. */
  readonly text: string;
  /** One-based. */
  readonly line: number;
  /** How many brackets of any kind are open around it. */
  readonly depth: number;
}

const patterns = Object.freeze({
  space: /\s+/y,
  comment: /\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*/y,
  string: /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y,
  regex: /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y,
  word: /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$]*|\d[\w.]*/uy,
  mark: /=>|[^\s]/uy,
  // A part of a template: from the opening quote or the end of a hole to the closing quote or the next hole.
  template: /[`}](?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y,
});

type Pattern = keyof typeof patterns;

// A slash after one of these begins a regular expression; after anything else it divides.
const beforeRegex = /^(?:[(,=:[!&|?{};+\-*%<>~^]|=>|return|typeof|case|in|of|do|else|void|throw|await|yield)$/;

/** All tokens of a source text, comments included, white space not. */
export function tokensOf(text: string): Token[] {
  return new Reader(text).read();
}

/** The tokens that run: all but comments. */
export const codeOf = (text: string): Token[] => tokensOf(text).filter(({ kind }) => kind !== "comment");

/** The value of a string token, quotes off. */
export const valueOf = (token: Token | undefined): string | null => (token?.kind === "string" ? token.text.slice(1, -1) : null);

class Reader {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  /** For each open template hole, the depth of its content. */
  readonly #holes: number[] = [];
  #at = 0;
  #line = 1;
  #depth = 0;
  #last = "(";

  constructor(text: string) {
    this.#text = text;
  }

  read(): Token[] {
    while (this.#at < this.#text.length) this.#step();
    return this.#tokens;
  }

  #step(): void {
    if (this.#take("space") !== null) return;
    for (const kind of this.#candidates()) {
      const found = this.#take(kind);
      if (found !== null) return this.#add(kind, found);
    }
    this.#at += 1; // a lone half of a surrogate pair, say: nothing that a rule asks for
  }

  #candidates(): Exclude<Pattern, "space">[] {
    const next = this.#text[this.#at];
    if (next === "`" || (next === "}" && this.#holes.at(-1) === this.#depth)) return ["template"];
    return beforeRegex.test(this.#last) ? ["comment", "string", "regex", "word", "mark"] : ["comment", "string", "word", "mark"];
  }

  #take(pattern: Pattern): string | null {
    const regex = patterns[pattern];
    regex.lastIndex = this.#at;
    const found = regex.exec(this.#text)?.[0] ?? null;
    if (found === null) return null;
    this.#at += found.length;
    if (pattern === "space") this.#line += breaksIn(found);
    return found;
  }

  #add(kind: Token["kind"], text: string): void {
    if (kind === "template") this.#hole(text);
    if (kind === "mark" && /[)\]}]/.test(text)) this.#depth -= 1;
    this.#tokens.push({ kind, text, line: this.#line, depth: this.#depth });
    if (kind === "mark" && /[([{]/.test(text)) this.#depth += 1;
    if (kind !== "comment") this.#last = text;
    this.#line += breaksIn(text);
  }

  #hole(text: string): void {
    if (text.startsWith("}")) {
      this.#holes.pop();
      this.#depth -= 1;
    }
    if (text.endsWith("${")) {
      this.#depth += 1;
      this.#holes.push(this.#depth);
    }
  }
}

const breaksIn = (text: string): number => text.split("\n").length - 1;
