import { expect, test } from "bun:test";
import { authorizationScenarios, runAuthorization } from "./run.ts";

/** The suite and the program have to start. */
const suiteMsMax = 60_000;

test.each([["opaque"], ["jwt"]])(
  "as an authorization server whose tokens are %s the program passes both scenarios without a warning, with somebody who approves",
  async (format) => {
    const { exitCode, checks, output } = await runAuthorization({ tokens: { format } });
    expect(Object.keys(checks).sort(), output).toEqual([...authorizationScenarios].sort());
    expect(Object.values(checks).flat().map(({ id, status }) => `${id}: ${status}`).sort(), output).toEqual(["authorization-code-grant: SUCCESS", "authorization-server-metadata-cimd: SUCCESS", "authorization-server-metadata: SUCCESS"]);
    expect(exitCode, output).toBe(0);
  },
  suiteMsMax,
);
