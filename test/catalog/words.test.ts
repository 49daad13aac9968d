import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { relatedStems, stemOf, wordsOf } from "../../src/catalog/words.ts";

describe("the words of a text", () => {
  test("are those of names taken apart, in small letters", () => {
    expect(wordsOf("createIssue create_issue create-issue API-postPage HTTPServer v2Beta")).toEqual(["create", "issue", "create", "issue", "create", "issue", "api", "post", "page", "http", "server", "v2", "beta"]);
  });

  test("leave out what says nothing, and keep other languages as they stand", () => {
    expect(wordsOf("What is in the file?")).toEqual(["file"]);
    expect(wordsOf("Lösche die Datei, 削除")).toEqual(["lösche", "die", "datei", "削除"]);
    expect(wordsOf("")).toEqual([]);
    // Names that an object has by itself are words like any other.
    expect(wordsOf("constructor toString")).toEqual(["constructor", "string"]);
  });
});

describe("forms of a word", () => {
  test("have one stem", () => {
    const families = [
      ["create", "creates", "created", "creating", "creation"],
      ["file", "files"],
      ["query", "queries", "queried"],
      ["run", "runs", "running"],
      ["move", "moves", "moved", "moving"],
      ["search", "searches", "searched", "searching"],
      ["deploy", "deployment", "deployments", "deploying"],
      ["box", "boxes"],
      ["navigate", "navigation", "navigating"],
    ];
    for (const family of families) expect(new Set(family.map(stemOf)).size).toBe(1);
  });

  test("that only look alike have not", () => {
    for (const [one, other] of [["process", "proce"], ["status", "statu"], ["this", "thi"], ["red", "r"], ["bus", "bu"]] as const) expect(stemOf(one)).not.toBe(stemOf(other));
  });

  test("are never nothing, whatever the text", () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), (text) => wordsOf(text).every((word) => stemOf(word).length > 0)));
  });
});

test("words that say nearly the same are known to, both ways, and none of itself", () => {
  const related = relatedStems();
  expect(related.get(stemOf("remove"))).toContain(stemOf("deleting"));
  expect(related.get(stemOf("delete"))).toContain(stemOf("removed"));
  expect(related.get(stemOf("delete"))).not.toContain(stemOf("delete"));
  for (const word of ["zebra", "constructor", "__proto__"]) expect(related.get(word)).toBeUndefined();
});
