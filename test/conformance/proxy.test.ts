import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { projectDir } from "../fixtures/program.ts";
import { backends, crossings, expectedFailures, expectedPathOf, revisions, runLeg, scoredScenarios, unscoredScenarios } from "./run.ts";

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

/** How many checks the other era makes impossible. Lower a number when a file shrinks; never raise one. */
const impossibleMax = { "2025-11-25": { http: 0, stdio: 0 }, "2026-07-28": { http: 1, stdio: 1 } } as const;
const nameOf = (entry: string): string => entry.split(":")[0] ?? "";

for (const { revision, speaks } of crossings)
  for (const backend of backends)
    describe(`${revision} through the proxy to a ${backend} backend that speaks ${speaks} only`, () => {
      const path = expectedPathOf(`crossed.${backend}`, revision);

      test(
        "passes all but the impossible",
        async () => {
          const expected = new Set((await expectedFailures(path)).map(nameOf));
          const verdict = await runLeg(backend, revision, speaks);
          expect(
            verdict.failed.filter((name) => !expected.has(name)),
            verdict.output,
          ).toEqual([]);
          expect(verdict.unscoredPassed, verdict.output).toEqual([...unscoredScenarios[revision]]);
          // Not zero as well when an expected failure has come to pass: then its entry has to go.
          expect(verdict.exitCode, verdict.output).toBe(0);
        },
        suiteMsMax,
      );

      test("names each impossible scenario with the sentence that makes it so, here and in the page for users", async () => {
        const entries = await expectedFailures(path);
        const scored = await scoredScenarios(revision);
        expect(entries.filter((entry) => !scored.includes(nameOf(entry)))).toEqual([]);
        expect(new Set(entries).size).toBe(entries.length);
        expect(entries.length).toBeLessThanOrEqual(impossibleMax[revision][backend]);
        const lines = (await Bun.file(path).text()).split("\n");
        expect(lines.filter((line, at) => line.startsWith("  - ") && !/^ {2}# .*".+" \(.+\)/u.test(lines[at - 1] ?? ""))).toEqual([]);
        const page = await Bun.file(join(projectDir, "docs", "protocol.md")).text();
        expect(entries.filter((entry) => !page.includes(`\`${nameOf(entry)}\``))).toEqual([]);
      });
    });
