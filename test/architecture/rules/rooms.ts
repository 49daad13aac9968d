/** The order of the house: which room may see which, by which door, and no way round in a circle. */
import { graphOf, importsOf } from "./imports.ts";
import type { Rule } from "./rule.ts";
import { sourcesOf } from "./rule.ts";

/** The rooms, and what each may import (docs/architecture.md, "The rooms"). */
export const roomTable: Readonly<Record<string, readonly string[]>> = Object.freeze({
  base: [],
  protocol: ["base"],
  config: ["base"],
  catalog: ["base", "protocol", "config"],
  auth: ["base", "protocol", "config"],
  era: ["base", "protocol"],
  backend: ["base", "protocol", "config", "auth", "era"],
  hub: ["base", "protocol", "config", "catalog", "backend"],
  front: ["base", "protocol", "config", "auth", "era", "hub"],
  compose: ["base", "protocol", "config", "catalog", "auth", "era", "backend", "hub", "front"],
  cli: ["base", "protocol", "config", "catalog", "compose"],
  "main.ts": ["base", "cli"],
});

/** Says what the program is called and which version it is: lies in no room and is open to all. */
const manifest = "package.json";

/** The room of a path below src, or the file's own name where it lies beside the rooms. */
export const roomOf = (path: string): string => path.split("/")[1] ?? "";

/** A room imports only rooms that the table allows; types count. */
export const rooms: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) => {
    const allowed = roomTable[roomOf(path)];
    if (allowed === undefined) return [`${path} lies in no room of the table`];
    return importsOf(path, text).flatMap(({ path: to, line }) => {
      if (to === null || to === manifest || roomOf(to) === roomOf(path) || allowed.includes(roomOf(to))) return [];
      return [`${path}:${line} ${roomOf(path)} may not import ${to.startsWith("src/") ? roomOf(to) : to}`];
    });
  });

/** Another room is entered by its index.ts; inside a room the door is not used; a door re-exports by name. */
export const doors: Rule = (files) =>
  sourcesOf(files).flatMap(([path, text]) =>
    importsOf(path, text).flatMap(({ path: to, names, reexport, line }) => {
      if (to === null || to === manifest) return [];
      if (!files.has(to)) return [`${path}:${line} imports ${to}, which does not exist`];
      if (reexport && names.includes("*")) return [`${path}:${line} re-exports everything instead of names`];
      return doorProblem(path, to).map((problem) => `${path}:${line} ${problem}`);
    }),
  );

function doorProblem(path: string, to: string): string[] {
  const isDoor = to.split("/").length > 2 && to.endsWith("/index.ts");
  if (roomOf(path) === roomOf(to)) return isDoor ? ["goes out of its own door to come in again"] : [];
  return isDoor ? [] : [`climbs into ${to} past its door`];
}

/** No file reaches itself over its imports; types count. */
export const cycles: Rule = (files) => {
  const graph = graphOf(files);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const seen = way.indexOf(path);
    if (seen >= 0) found.push(`${path} reaches itself: ${[...way.slice(seen), path].join(" → ")}`);
    if (seen >= 0 || done.has(path)) return;
    for (const to of graph.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
};

/** Every file is reached from src/main.ts. */
export const dead: Rule = (files) => {
  const graph = graphOf(files);
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const to of graph.get(path) ?? []) visit(to);
  };
  visit("src/main.ts");
  return [...graph.keys()].filter((path) => !reached.has(path)).map((path) => `${path} is reached by nobody from src/main.ts`);
};
