/**
 * What a change of a file comes to, line by line, for a person who looks before it is made. Only lines that differ: the
 * lines around them may hold secrets that nobody has asked to see.
 */

// The table of the comparison grows with the product; a change of more than that is shown as one block.
const cellsMax = 4_000_000;

/** The lines that go (`-`) and come (`+`), each group under the line number at which it stands in the old text; "" where none does. */
export function differenceOf(before: string, after: string): string {
  const old = linesOf(before);
  const now = linesOf(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const groups = groupsOf(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return groups.map(({ at, gone, come }) => [`@@ line ${start + at + 1} @@`, ...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)].map((line) => `${line}\n`).join("")).join("");
}

const linesOf = (text: string): string[] => text.split(/\r\n|\n|\r/);

interface Group {
  readonly at: number;
  readonly gone: string[];
  readonly come: string[];
}

function groupsOf(old: readonly string[], now: readonly string[]): Group[] {
  if (old.length + now.length === 0) return [];
  if ((old.length + 1) * (now.length + 1) > cellsMax) return [{ at: 0, gone: [...old], come: [...now] }];
  return walked(old, now, commonOf(old, now));
}

/** For each pair of places the most lines that the rests have in common, row by row. */
function commonOf(old: readonly string[], now: readonly string[]): Uint32Array {
  const width = now.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = old[i] === now[j] ? cell(common, (i + 1) * width + j + 1) + 1 : Math.max(cell(common, (i + 1) * width + j), cell(common, i * width + j + 1));
    }
  }
  return common;
}

const cell = (common: Uint32Array, at: number): number => common[at] ?? 0;

/** What goes comes before what comes; a line that both have ends a group. */
function walked(old: readonly string[], now: readonly string[], common: Uint32Array): Group[] {
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  let isOpen = false;
  while (i < old.length || j < now.length) {
    const step = stepAt(old, now, common, i, j);
    if (step === "same") {
      isOpen = false;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    if (!isOpen) groups.push({ at: i, gone: [], come: [] });
    isOpen = true;
    groups.at(-1)?.[step].push((step === "gone" ? old[i++] : now[j++]) ?? "");
  }
  return groups;
}

function stepAt(old: readonly string[], now: readonly string[], common: Uint32Array, i: number, j: number): "same" | "gone" | "come" {
  if (old[i] === now[j]) return "same";
  if (i >= old.length) return "come";
  const width = now.length + 1;
  return j >= now.length || cell(common, (i + 1) * width + j) >= cell(common, i * width + j + 1) ? "gone" : "come";
}
