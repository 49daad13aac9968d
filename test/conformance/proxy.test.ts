import { describe, expect, test } from "bun:test";
import { type BackendKind, type Revision, backends, expectedFailures, expectedPathOf, revisions, runLeg, scoredScenarios } from "./run.ts";

/** The suite paces itself with real pauses of its own; a leg takes a few seconds on two quiet cores. */
const suiteMsMax = 60_000;

/** How many expected failures each leg may have at most. Lower a number when a file shrinks; never raise one. */
const expectedMax: Record<BackendKind, Record<Revision, number>> = {
  http: { "2025-11-25": 6, "2026-07-28": 0 },
  stdio: { "2025-11-25": 6, "2026-07-28": 0 },
};

for (const revision of revisions)
  for (const backend of backends)
    describe(`${revision} through the proxy to a ${backend} backend`, () => {
      const path = expectedPathOf(backend, revision);

      test(
        "passes every scored scenario that is not expected to fail",
        async () => {
          const expected = new Set((await expectedFailures(path)).map((entry) => entry.split(":")[0]!));
          const verdict = await runLeg(backend, revision);
          expect(
            verdict.failed.filter((name) => !expected.has(name)),
            verdict.output,
          ).toEqual([]);
          // Not zero as well when an expected failure has come to pass: then its entry has to go.
          expect(verdict.exitCode, verdict.output).toBe(0);
        },
        suiteMsMax,
      );

      test("expects failures only of scored scenarios, each once, and no more than before", async () => {
        const entries = await expectedFailures(path);
        const scored = await scoredScenarios(revision);
        expect(entries.filter((entry) => !scored.includes(entry.split(":")[0]!))).toEqual([]);
        expect(new Set(entries).size).toBe(entries.length);
        expect(entries.length).toBeLessThanOrEqual(expectedMax[backend][revision]);
      });
    });
