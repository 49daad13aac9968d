import { expect, test } from "bun:test";
import { version } from "../../src/cli/version.ts";
import manifest from "../../package.json";

test("from source the version is that of the package", () => {
  expect(version).toBe(manifest.version);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
});
