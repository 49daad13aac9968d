import { expect, test } from "bun:test";
import { logLevels } from "../../src/protocol/call.ts";

test("log levels stand in the order of RFC 5424, most verbose first", () => {
  expect(logLevels).toEqual(["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]);
  expect(Object.isFrozen(logLevels)).toBe(true);
});
