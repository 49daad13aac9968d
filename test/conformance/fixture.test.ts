import { expect, test } from "bun:test";
import { expectedFailures, expectedPathOf, revisions, runFixture } from "./run.ts";

/** The suite paces itself with real pauses of its own; a run takes two to three seconds on two quiet cores. */
const suiteMsMax = 60_000;

const scored = { "2025-11-25": 30, "2026-07-28": 37 } as const;
const unscored = {
  "2025-11-25": ["server-session-lifecycle", "json-schema-2020-12", "server-sse-polling"],
  "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
} as const;

for (const revision of revisions)
  test(
    `the fixture alone passes every scored scenario of ${revision}`,
    async () => {
      expect(await expectedFailures(expectedPathOf("fixture", revision))).toEqual([]);
      const verdict = await runFixture(revision);
      expect(verdict.failed, verdict.output).toEqual([]);
      expect(verdict.passed).toHaveLength(scored[revision]);
      expect(verdict.unscoredPassed).toEqual([...unscored[revision]]);
      expect(verdict.exitCode, verdict.output).toBe(0);
    },
    suiteMsMax,
  );
