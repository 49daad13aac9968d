import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { Fault } from "../../src/base/index.ts";
import { entryChanges, newEntry, plainSecrets, secretAddress, secretArguments, typedEntry } from "../../src/cli/entry.ts";
import { parseCommandLine } from "../../src/cli/strict.ts";
import { remoteEntry, stdioEntry } from "../../src/config/schema.ts";
import { createFolder } from "../fixtures/folder.ts";

const typed = (words: readonly string[], folder = "/here") => {
  const line = parseCommandLine(["mcp", "update", "x", ...words]);
  if (!line.ok) throw new Error(line.problem);
  return typedEntry({ given: line.given, rest: line.rest, folder });
};
const entry = (...words: string[]) => newEntry(typed(words));
const detailOf = (act: () => unknown): string => {
  try {
    act();
    return "nothing";
  } catch (thrown) {
    return thrown instanceof Fault ? `${thrown.code} ${thrown.message}` : String(thrown);
  }
};

describe("an entry that is new", () => {
  test("is a program with its arguments, or an address, and what was typed of it, in an order that reads well", () => {
    expect(JSON.stringify(entry("--tag", "a", "-g", "b", "-e", "K=v=w", "--cwd", "sub", "--timeout", "900", "--disabled", "--", "npx", "-y", "pkg"))).toBe(
      '{"command":"npx","args":["-y","pkg"],"env":{"K":"v=w"},"cwd":"/here/sub","tags":["a","b"],"requestTimeout":900,"disabled":true}',
    );
    expect(JSON.stringify(entry("--type", "sse", "--url", "https://h/sse", "--header", "Authorization: Bearer x", "--headers", "X-A=b", "--tags", "a, b", "--prefix", "h"))).toBe(
      '{"type":"sse","url":"https://h/sse","headers":{"Authorization":"Bearer x","X-A":"b"},"tags":["a","b"],"prefix":"h"}',
    );
    expect(entry("--command", "uvx", "--args", "a b", "--args=-c")).toEqual({ command: "uvx", args: ["a b", "-c"] });
  });

  test("takes values from elsewhere where that is typed, by paths that mean the same everywhere", () => {
    expect(entry("-e", "A", "-e", "B=$file:key.txt", "-e", "C=$keychain:s/n", "-e", "D=$env:E", "-e", "F=", "--", "x")["env"]).toEqual({ A: { $env: "A" }, B: { $file: "/here/key.txt" }, C: { $keychain: "s/n" }, D: { $env: "E" }, F: "" } as never);
  });

  test("runs here where its command names files from here", async () => {
    await using folder = await createFolder();
    await writeFile(folder.at("server.ts"), "");
    expect(newEntry(typed(["--", "bun", "./server.ts"], folder.path))).toEqual({ command: "bun", args: ["./server.ts"], cwd: folder.path });
    expect(newEntry(typed(["--", "bun", "./none.ts"], folder.path))).toEqual({ command: "bun", args: ["./none.ts"] });
    expect(newEntry(typed(["--", "./run"], folder.path))).toEqual({ command: folder.at("run") });
  });

  test("is refused where it is both, neither, or something twice", () => {
    expect(detailOf(() => entry())).toContain("what is to be added?");
    for (const words of [["--url", "http://h", "--", "x"], ["--url", "http://h", "-e", "A=b"], ["--header", "A=b", "--", "x"], ["--type", "http", "--", "x"], ["--type", "stdio", "--url", "http://h"]]) expect(detailOf(() => entry(...words))).toContain("not both");
    expect(detailOf(() => entry("--command", "a", "--", "b"))).toContain("given twice");
    expect(detailOf(() => entry("--args", "a"))).toContain("arguments of what?");
    for (const words of [["-e", "=b"], ["--header", "A"], ["--header", " =b"]]) expect(detailOf(() => entry(...words, "--", "x"))).toContain("must be NAME=VALUE");
  });
});

describe("a change of an entry", () => {
  const changes = (before: object, words: readonly string[], unset: readonly string[] = []) => entryChanges("x", before as never, typed(words), unset).map(({ path, value }) => [path.slice(2).join("/"), value]);

  test("is what was typed, name by name, and what was taken away", () => {
    expect(changes({ command: "a", env: { B: "c" } }, ["-e", "D=e", "--tag", "t"], ["cwd", "env.B.C", "tags"])).toEqual([["cwd", undefined], ["env/B.C", undefined], ["tags", undefined], ["tags", ["t"]], ["env/D", "e"]]);
  });

  test("of the command takes the old arguments away; of a program to an address all that is a program's", () => {
    expect(changes({ command: "a", args: ["b"] }, ["--", "c"])).toEqual([["args", undefined], ["command", "c"]]);
    expect(changes({ command: "a", env: [], tags: [] }, ["--url", "http://h", "--header", "A=b"])).toEqual([["command", undefined], ["env", undefined], ["url", "http://h"], ["headers/A", "b"]]);
    expect(changes({ url: "http://h", headers: {} }, ["-e", "A=b", "--", "c"])).toEqual([["url", undefined], ["headers", undefined], ["command", "c"], ["env/A", "b"]]);
  });

  test("of a kind takes away every key that the other kind does not have", () => {
    const keysOf = ({ entries }: { readonly entries: object }): string[] => Object.keys(entries);
    const only = (those: string[], others: string[]): string[] => those.filter((key) => !others.includes(key));
    const gone = (before: string[], words: readonly string[]): unknown[] => changes(Object.fromEntries(before.map((key) => [key, {}])), words).flatMap(([key, value]) => (value === undefined ? [key] : []));
    const [ofAddress, ofProgram] = [only(keysOf(remoteEntry), keysOf(stdioEntry)), only(keysOf(stdioEntry), keysOf(remoteEntry))];
    expect(gone(ofAddress, ["--", "c"]).toSorted()).toEqual(ofAddress.toSorted());
    expect(gone(ofProgram, ["--url", "http://h"]).toSorted()).toEqual(ofProgram.toSorted());
  });

  test("of an environment that is a list keeps it one, and says what a list cannot hold", () => {
    expect(changes({ command: "a", env: ["B=c", "D"] }, ["-e", "B=e", "-e", "F", "-e", "G=$env:H"])).toEqual([["env", ["D", "B=e", "F", "G=${H}"]]]);
    expect(detailOf(() => changes({ env: [] }, ["-e", "A=$file:x"]))).toContain("is a list");
  });
});

test("what is likely to be a secret is known by its name, the flag before it, or how it looks", () => {
  expect(plainSecrets(typed(["-e", "API_KEY=abc", "-e", "HOME=/x", "-e", "T_TOKEN=$file:x", "--", "x"]))).toEqual(["API_KEY"]);
  expect(secretArguments(typed(["--", "x", "--api-key", "abc"]))).toBeTrue();
  expect(secretArguments(typed(["--", "x", "--verbose", "abc"]))).toBeFalse();
  expect(["http://u:pw@h/", "http://h/?access_token=a", "http://h/?q=ghp_abcdefghijklmnop"].map((url) => secretAddress(typed(["--url", url])))).toEqual([true, true, true]);
  expect(["http://u@h/", "http://u:${PW}@h/", "http://h/?access_token=${T}", "http://h:80/a@b?q=x"].map((url) => secretAddress(typed(["--url", url])))).toEqual([false, false, false, false]);
});
