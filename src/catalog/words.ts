/**
 * The words of a text as a search compares them: parts of names taken apart (`createIssue`, `create_issue`), letter case
 * and the endings of English aside, words that say nothing left out. Other languages are compared as they stand.
 */

const listed = (text: string): Readonly<Record<string, true>> => Object.freeze(Object.fromEntries(text.split(" ").map((one) => [one, true as const])));

/** Said with everything, and so for nothing. */
const empty = listed(
  "a an and any are as at be by can did do does for from had has have how i if in into is it its me my of on or our so some that the their them then there these they this those to up us use used uses using was we were what when where which who whom whose why will with would you your",
);

const word = /[\p{L}\p{N}]+/gu;
/** Where a name of several words may have its next one; looked for in words that have such a place only, since most have none. */
const mayJoin = /.\p{Lu}/u;
const boundary = /(?<=[\p{Ll}\d])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/** In the order of the text, in small letters; each as often as it stands there. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const found of text.match(word) ?? []) {
    if (!mayJoin.test(found)) add(words, found);
    else for (const part of found.split(boundary)) add(words, part);
  }
  return words;
}

function add(words: string[], found: string): void {
  const small = found.toLowerCase();
  if (!Object.hasOwn(empty, small)) words.push(small);
}

/** Longest ending first; what stands before it must be long enough to be a word. */
const endings: readonly (readonly [ending: string, instead: string, leastBefore: number])[] = Object.freeze([
  ["ations", "ate", 3],
  ["ation", "ate", 3],
  ["ments", "", 4],
  ["ment", "", 4],
  ["ings", "", 3],
  ["ing", "", 3],
  ["ies", "y", 2],
  ["ied", "y", 2],
  ["sses", "ss", 1],
  ["ches", "ch", 1],
  ["shes", "sh", 1],
  ["xes", "x", 1],
  ["ed", "", 3],
  ["er", "", 4],
  ["ly", "", 4],
  ["s", "", 2],
] as const);

/** What the forms of a word have in common: `creating`, `created` and `creates` are one. Not always a word itself. */
export function stemOf(text: string): string {
  if (text.endsWith("ss") || text.endsWith("us") || text.endsWith("is")) return bare(text);
  for (const [ending, instead, leastBefore] of endings) {
    if (text.endsWith(ending) && text.length - ending.length >= leastBefore) return bare(`${text.slice(0, -ending.length)}${instead}`);
  }
  return bare(text);
}

/** `running` leaves “runn”, `moving` “mov”. */
function bare(stem: string): string {
  const single = /([bdgmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
  return single.length > 3 && single.endsWith("e") ? single.slice(0, -1) : single;
}

/** What people and the authors of tools call by other words: each line means nearly one thing. */
const alike: readonly string[] = Object.freeze([
  "create make new add open write insert file register",
  "get read show view fetch retrieve list see display",
  "search find look lookup query locate",
  "delete remove erase drop trash forget destroy",
  "update edit change modify replace set patch put adjust rename",
  "run execute start trigger launch begin perform",
  "stop end finish complete close done",
  "send post publish write",
  "move transfer rename",
  "copy duplicate clone fork",
  "image picture photo",
  "folder directory",
  "repository repo",
  "pr pull",
  "pr request",
  "mr merge",
  "mr request",
  "ci pipeline",
  "ci build",
  "javascript js script",
  "issue bug ticket",
  "comment note remark story",
  "sprint cycle iteration",
  "user person people member somebody",
  "emulate simulate",
  "direction route way travel",
  "error failure problem",
  "tag label",
  "mail email message",
  "page site website",
  "url link address",
  "meeting event appointment",
  "table sheet",
  "remember memory knowledge observation",
  "paragraph block text",
]);

/** Stems, each with those of words that say nearly the same. */
export function relatedStems(): ReadonlyMap<string, readonly string[]> {
  const made = new Map<string, readonly string[]>();
  for (const line of alike) {
    const stems = line.split(" ").map(stemOf);
    for (const stem of stems) made.set(stem, [...(made.get(stem) ?? []), ...stems.filter((other) => other !== stem)]);
  }
  return made;
}
