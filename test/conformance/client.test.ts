import { expect, test } from "bun:test";
import { clientScenarios, extensionClientScenarios, loginClientScenarios, loginExtensionScenarios, requiredClientScenarios, type Revision, revisions, runClientScenario, suiteClientScenarios } from "./run.ts";

/** One scenario takes a second or two on two quiet cores: the suite, the program and a client have to start. */
const scenarioMsMax = 60_000;

async function passes(scenario: string, revision: Revision | "2025-03-26"): Promise<void> {
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

for (const [revision, scenarios] of Object.entries(loginClientScenarios))
  for (const scenario of scenarios)
    // Checklist: S11
    test(`with the proxy as the client that logs in, ${scenario} of ${revision} passes without a warning`, () => passes(scenario, revision as Revision), scenarioMsMax);

for (const scenario of loginExtensionScenarios)
  test(`with the proxy as the client that logs in, ${scenario} of an extension passes without a warning`, () => passes(scenario, "2025-11-25"), scenarioMsMax);

test("every client scenario that the two newest revisions require is run", async () => {
  for (const [revision, count] of [["2025-11-25", 18], ["2026-07-28", 32]] as const) {
    const run: readonly string[] = [...clientScenarios[revision], ...loginClientScenarios[revision]];
    const required = await requiredClientScenarios(revision);
    expect([required.length, required.filter((scenario) => !run.includes(scenario))]).toEqual([count, []]);
  }
});

/** Extensions that the suite has and the proxy has not: proofs of possession, workload identities, and ID-JAG, which asks a company's issuer. */
const without = ["auth/enterprise-managed-authorization", "auth/dpop", "auth/dpop-nonce", "auth/wif-jwt-bearer"];

test(
  "none of the suite's client scenarios is left out",
  async () => {
    const suite = await suiteClientScenarios();
    const named = ([scenario, tags]: [string, readonly string[]]): string[] => tags.map((revision) => `${revision} ${scenario}`);
    const ours = revisions.flatMap((revision) => [...clientScenarios[revision], ...loginClientScenarios[revision]].map((scenario) => `${revision} ${scenario}`));
    expect([...suite].flatMap(named).sort()).toEqual([...ours, ...loginClientScenarios["2025-03-26"].map((scenario) => `2025-03-26 ${scenario}`)].sort());
    expect([...suite].filter(([, tags]) => tags.length === 0).map(([scenario]) => scenario).sort()).toEqual([...extensionClientScenarios, ...loginExtensionScenarios, ...without].sort());
  },
  scenarioMsMax,
);
