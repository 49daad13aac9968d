/** What a rule is: a pure function from a tree of files to what is wrong with it. */

/** Path from the top of the repository → text. */
export type Files = ReadonlyMap<string, string>;

/** Gives one sentence for each violation, beginning with its place. */
export type Rule = (files: Files) => string[];

/** The files below a folder whose names end so. */
export const filesBelow = (files: Files, folder: string, ...ends: string[]): [path: string, text: string][] =>
  [...files].filter(([path]) => path.startsWith(`${folder}/`) && ends.some((end) => path.endsWith(end)));

/** All TypeScript source of the program. */
export const sourcesOf = (files: Files): [path: string, text: string][] => filesBelow(files, "src", ".ts", ".tsx");

/** A tree of files from an object, for samples. */
export const filesOf = (files: Readonly<Record<string, string>>): Files => new Map(Object.entries(files));
