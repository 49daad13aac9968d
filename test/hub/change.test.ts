import { describe, expect, test } from "bun:test";
import { changeOf, fateOf, namesOf, reloadedOf } from "../../src/hub/change.ts";
import { Generation } from "../../src/hub/generation.ts";
import { factsOf } from "../fixtures/front.ts";
import { configOf, createScriptedPool, specOf } from "../fixtures/pool.ts";

const pool = createScriptedPool({ changed: () => undefined, updated: () => undefined });

test("every server of two configurations has a fate", () => {
  const before = new Generation(configOf(specOf("kept"), specOf("gone"), specOf("changed")), pool);
  const next = new Generation(configOf(specOf("new"), specOf("changed", { fingerprint: "2" }), specOf("kept")), pool);
  expect(changeOf(before, next)).toEqual({ added: ["new"], removed: ["gone"], changed: ["changed"], kept: ["kept"] });
  const kept = next.leases.get("kept") ?? expect.unreachable();
  expect([fateOf(undefined, kept), fateOf(before.leases.get("kept"), kept)]).toEqual(["added", "kept"]);
});

test("a server that cannot be used any more, or can again, is another one, though nothing of its entry has changed", () => {
  const issue = { path: [], line: 1, column: 1, message: "the folder is not there", hint: null, server: "a" };
  const [sound, ailing] = [{}, { issue }].map((more) => new Generation(configOf(specOf("a", more)), pool)) as [Generation, Generation];
  for (const pair of [[sound, ailing], [ailing, sound]] as const) expect(changeOf(...pair)).toEqual({ added: [], removed: [], changed: ["a"], kept: [] });
  expect(changeOf(ailing, ailing).kept).toEqual(["a"]);
});

test("a line of the log names as many as are worth reading", () => {
  const change = { added: ["a", "b", "c"], removed: [], changed: ["d"], kept: [] };
  expect(namesOf(change, { namesShownMax: 2 })).toEqual({ added: "a, b and 1 more", removed: "", changed: "d", kept: "" });
});

describe("a reload", () => {
  const before = factsOf().status();
  const change = { added: ["a"], removed: [], changed: [], kept: [] };
  const after = { ...before, config: { ...before.config, at: 1 }, change };
  const adopted = { restart: ["port"], reason: null };

  test("that brings something new says what it changed", () => {
    expect(reloadedOf(before, after, adopted)).toEqual({ result: "changed", path: "/c.json", change, issues: [], restart: ["port"], reason: null });
  });
  test("that finds nothing new, or is rejected, keeps all that runs", () => {
    const running = factsOf({ backends: [{ name: "x" }] as never }).status();
    const kept = { added: [], removed: [], changed: [], kept: ["x"] };
    expect(reloadedOf(running, running, adopted)).toMatchObject({ result: "unchanged", change: kept });
    const rejected = { ...running, config: { ...running.config, state: "rejected" as const } };
    expect(reloadedOf(running, rejected, adopted)).toMatchObject({ result: "rejected", change: kept });
    expect(reloadedOf(rejected, rejected, adopted)).toMatchObject({ result: "rejected" });
  });
  test("that could not be put in place says why", () => expect(reloadedOf(before, before, { restart: [], reason: "no room" })).toMatchObject({ result: "failed", reason: "no room" }));
});
