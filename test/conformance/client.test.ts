import { expect, test } from "bun:test";
import { clientScenarios, revisions, runClientScenario } from "./run.ts";

/** One scenario takes a second or two on two quiet cores: the suite, the program and a client have to start. */
const scenarioMsMax = 60_000;

for (const revision of revisions)
  for (const scenario of clientScenarios[revision])
    // Checklist: S9
    test(
      `with the proxy as the client, ${scenario} of ${revision} passes without a warning`,
      async () => {
        const { exitCode, failed, output } = await runClientScenario(scenario, revision);
        expect(failed, output).toEqual([]);
        expect(exitCode, output).toBe(0);
      },
      scenarioMsMax,
    );
