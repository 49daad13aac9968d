import { expect, test } from "bun:test";
import type { Attempt } from "../../src/auth/remoteAttempt.ts";
import { type Begun, completed, digestOf, isWord, newWord, Once } from "../../src/auth/remoteBegun.ts";
import type { Login } from "../../src/auth/remoteLogin.ts";
import type { Fault } from "../../src/base/index.ts";
import { createTestClock } from "../fixtures/clock.ts";

test("a thing is taken once, in time, by its word alone", async () => {
  const clock = createTestClock();
  const once = new Once<string>({ clock, lifeMs: 1000, max: 2 });
  once.keep("a", "first");
  once.keep("b", "second");
  expect(() => once.keep("c", "third")).toThrow("limits.loginsBegunMax is 2");
  expect([once.look("a"), once.look("x"), once.look(null), once.take(null)]).toEqual(["first", null, null, null]);
  expect([once.take("a"), once.take("a")]).toEqual(["first", null]);
  await clock.advance(1000);
  expect([once.look("b"), once.take("b"), once.size]).toEqual([null, null, 0]);
});

test("what is over makes room, and what is dropped is gone", async () => {
  const clock = createTestClock();
  const once = new Once<string>({ clock, lifeMs: 1000, max: 1 });
  once.keep("a", "first");
  await clock.advance(1000);
  once.keep("b", "second");
  once.drop((what) => what === "second");
  expect(once.size).toBe(0);
});

test("one who has many makes room among his own, the oldest first", () => {
  const once = new Once<string>({ clock: createTestClock(), lifeMs: 1000, max: 9 });
  for (const word of ["a1", "b1", "a2", "a3"]) once.keep(word, word[0] ?? "");
  once.makeRoom((what) => what === "a", 3);
  once.makeRoom((what) => what === "b", 3);
  expect(["a1", "b1", "a2", "a3"].map((word) => once.look(word))).toEqual([null, "b", "a", "a"]);
});

test("words are long and never the same, and known by their digest", () => {
  const words = Array.from({ length: 100 }, newWord);
  expect(new Set(words).size).toBe(100);
  for (const word of words) expect(word).toMatch(/^[\w-]{43}$/);
  expect([isWord("a", digestOf("a")), isWord("b", digestOf("a")), isWord(null, digestOf("a"))]).toEqual([true, false, false]);
});

// Threat row 48: the table of RFC 9207.
test.each([
  ["https://as.example", true, "https://as.example", true],
  ["https://other.example", true, "https://as.example", false],
  [null, true, "https://as.example", false],
  [null, false, "https://as.example", true],
  ["https://other.example", false, "https://as.example", false],
  ["https://as.example/", true, "https://as.example", false],
])("an answer by %p, which must name itself: %p, to a question to %p is looked at: %p", async (iss, namesItself, issuer, isTaken) => {
  const codes: string[] = [];
  const begun = { login: { key: { server: "s" }, complete: async (_: Attempt, code: string) => void codes.push(code) } as unknown as Login, attempt: { issuer, namesItself } as Attempt, binding: null } satisfies Begun;
  const query = new URLSearchParams({ code: "c", ...(iss === null ? {} : { iss }) });
  const came = await completed(begun, query).then(() => null, (thrown: Fault) => thrown.code);
  expect([came, codes]).toEqual(isTaken ? [null, ["c"]] : ["LOGIN_FAILED", []]);
  // An error is believed no sooner.
  const refused = await completed(begun, new URLSearchParams({ error: "access_denied", error_description: "<script>", ...(iss === null ? {} : { iss }) })).catch((thrown: Fault) => thrown.message);
  expect(String(refused)).toContain(isTaken ? "did not agree" : "not from the authorization server");
  expect(String(refused)).not.toContain("script");
});
