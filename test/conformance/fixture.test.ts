import { expect, test } from "bun:test";
import { type Revision, expectedFailures, expectedPathOf, revisions, runFixture, unscoredScenarios } from "./run.ts";

/** The suite paces itself with real pauses of its own; a run takes two to three seconds on two quiet cores. */
const suiteMsMax = 60_000;

const scored: Record<Revision, number> = { "2025-06-18": 27, "2025-11-25": 30, "2026-07-28": 37 };

for (const revision of revisions)
  test(
    `the fixture alone passes every scored scenario of ${revision}`,
    async () => {
      expect(await expectedFailures(expectedPathOf("fixture", revision))).toEqual([]);
      const verdict = await runFixture(revision);
      expect(verdict.failed, verdict.output).toEqual([]);
      expect(verdict.passed).toHaveLength(scored[revision]);
      expect(verdict.unscoredPassed).toEqual([...unscoredScenarios[revision]]);
      expect(verdict.exitCode, verdict.output).toBe(0);
    },
    suiteMsMax,
  );
