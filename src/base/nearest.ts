/** "Did you mean": the word among those that exist which a mistyped one is nearest to. Small, because it only runs on errors. */

const wordLengthMax = 64;

/**
 * The candidate nearest to `word` by edits (insert, remove, replace, swap of neighbours), letter case aside, or null
 * when none is near: at most one edit in three letters, so that a suggestion is never a guess.
 */
export function nearestOf(word: string, candidates: Iterable<string>): string | null {
  // Longer words are no slips of the keyboard, and the table below grows with the square.
  if (word.length === 0 || word.length > wordLengthMax) return null;
  let best: string | null = null;
  let bestEdits = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestEdits) continue;
    const edits = editsBetween(word.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits];
  }
  return best;
}

/** Damerau-Levenshtein in its restricted form (no edit inside a swapped pair), over three rows. */
function editsBetween(a: string, b: string): number {
  let older: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line += 1) {
    const row = [line];
    for (let column = 1; column <= b.length; column += 1) {
      const swapped = isSwap(a, b, line, column) ? at(older, column - 2) + 1 : Number.POSITIVE_INFINITY;
      const replaced = at(last, column - 1) + (a[line - 1] === b[column - 1] ? 0 : 1);
      row.push(Math.min(at(last, column) + 1, at(row, column - 1) + 1, replaced, swapped));
    }
    [older, last] = [last, row];
  }
  return at(last, b.length);
}

const isSwap = (a: string, b: string, line: number, column: number): boolean =>
  line > 1 && column > 1 && a[line - 1] === b[column - 2] && a[line - 2] === b[column - 1];

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
