import { describe, expect, test } from "bun:test";
import { type Revision, backends, crossings, expectedFailures, expectedPathOf, revisions, runLeg, scoredScenarios, unscoredScenarios } from "./run.ts";

/** The suite paces itself with real pauses of its own; a leg takes a few seconds on two quiet cores. */
const suiteMsMax = 60_000;

for (const revision of revisions)
  for (const backend of backends)
    describe(`${revision} through the proxy to a ${backend} backend`, () => {
      const path = expectedPathOf(backend, revision);

      test(
        "passes every scored scenario, and the unscored ones that a server can pass",
        async () => {
          const verdict = await runLeg(backend, revision);
          expect(verdict.failed, verdict.output).toEqual([]);
          expect(verdict.unscoredPassed).toEqual([...unscoredScenarios[revision]]);
          expect(verdict.exitCode, verdict.output).toBe(0);
        },
        suiteMsMax,
      );

      test("has no excuse", async () => {
        expect(await expectedFailures(path)).toEqual([]);
      });
    });

/** How many scenarios the other era makes impossible. Lower a number when a file shrinks; never raise one. */
const impossibleMax: Partial<Record<Revision, number>> = { "2025-11-25": 5, "2026-07-28": 5 };

for (const { revision, speaks } of crossings) {
  const path = expectedPathOf("crossed", revision);
  const nameOf = (entry: string): string => entry.split(":")[0] ?? "";

  for (const backend of backends)
    test(
      `${revision} through the proxy to a ${backend} backend that speaks ${speaks} only: all but the impossible`,
      async () => {
        const expected = new Set((await expectedFailures(path)).map(nameOf));
        const verdict = await runLeg(backend, revision, speaks);
        expect(
          verdict.failed.filter((name) => !expected.has(name)),
          verdict.output,
        ).toEqual([]);
        // Not zero as well when an expected failure has come to pass: then its entry has to go.
        expect(verdict.exitCode, verdict.output).toBe(0);
      },
      suiteMsMax,
    );

  test(`each scenario of ${revision} that is impossible before a ${speaks} server is named with the sentence that makes it so`, async () => {
    const entries = await expectedFailures(path);
    const scored = await scoredScenarios(revision);
    expect(entries.filter((entry) => !scored.includes(nameOf(entry)))).toEqual([]);
    expect(new Set(entries).size).toBe(entries.length);
    expect(entries.length).toBeLessThanOrEqual(impossibleMax[revision] ?? 0);
    const text = await Bun.file(path).text();
    const lines = text.split("\n");
    const unexplained = lines.filter((line, at) => line.startsWith("  - ") && !/^ {2}# .*".+" \(.+\)/u.test(lines[at - 1] ?? ""));
    expect(unexplained).toEqual([]);
    const page = await Bun.file(`${import.meta.dir}/../../docs/protocol.md`).text();
    expect(entries.filter((entry) => !page.includes(`\`${nameOf(entry)}\``))).toEqual([]);
  });
}
