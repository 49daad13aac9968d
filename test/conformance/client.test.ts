import { expect, test } from "bun:test";
import { clientScenarios, extensionClientScenarios, type Revision, revisions, runClientScenario, suiteClientScenarios } from "./run.ts";

/** One scenario takes a second or two on two quiet cores: the suite, the program and a client have to start. */
const scenarioMsMax = 60_000;

async function passes(scenario: string, revision: Revision): Promise<void> {
  const { exitCode, passed, failed, output } = await runClientScenario(scenario, revision);
  expect(failed, output).toEqual([]);
  expect(passed, output).toBeGreaterThan(0);
  expect(exitCode, output).toBe(0);
}

for (const revision of revisions)
  for (const scenario of clientScenarios[revision])
    // Checklist: S9
    test(`with the proxy as the client, ${scenario} of ${revision} passes without a warning`, () => passes(scenario, revision), scenarioMsMax);

for (const scenario of extensionClientScenarios)
  test(`with the proxy as the client, ${scenario} of an extension passes without a warning`, () => passes(scenario, "2025-11-25"), scenarioMsMax);

test(
  "none of the suite's client scenarios is left out, those of authorization apart",
  async () => {
    const suite = await suiteClientScenarios();
    const named = ([scenario, tags]: [string, readonly string[]]): string[] => tags.map((revision) => `${revision} ${scenario}`);
    const ours = revisions.flatMap((revision) => clientScenarios[revision].map((scenario) => `${revision} ${scenario}`));
    expect([...suite].flatMap(named).sort()).toEqual(ours.sort());
    expect([...suite].filter(([, tags]) => tags.length === 0).map(([scenario]) => scenario)).toEqual([...extensionClientScenarios]);
  },
  scenarioMsMax,
);
