import { describe, expect, test } from "bun:test";
import { Fault, type FaultCode, fault, faultOf, faults } from "../../src/base/index.ts";

describe("the catalog of faults", () => {
  test.each(Object.entries(faults))("%s says what happened, what to do, and with which codes", (code, row) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(row.text).toMatch(/^[a-z].*[^.]$/);
    expect(row.hint).not.toBe("");
    expect(row.http).toBeWithin(200, 600);
    expect([0, 1, 2, 78]).toContain(row.exit);
    // JSON-RPC's own, and the three of specification 2026-07-28 (basic, error codes). We invent none.
    expect([-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022]).toContain(row.rpc);
  });

  test("cannot be changed while running", () => {
    expect(Object.isFrozen(faults)).toBe(true);
    expect(Object.values(faults).every(Object.isFrozen)).toBe(true);
  });
});

describe("a fault", () => {
  test("names its server and the occasion in its message", () => {
    expect(fault("BACKEND_DOWN", { backend: "files", detail: "exit code 3" }).message).toBe(
      "files: the server is not available (exit code 3)",
    );
    expect(fault("USAGE").message).toBe("the command line is not valid");
  });

  test("carries its row, its operation, its data and what caused it", () => {
    const cause = new Error("ENOENT");
    const made = fault("BACKEND_COMMAND", { op: "start", backend: "files", data: { command: "x" }, cause });
    expect(made).toBeInstanceOf(Error);
    expect(made.row).toBe(faults.BACKEND_COMMAND);
    expect(made).toMatchObject({ name: "Fault", code: "BACKEND_COMMAND", op: "start", backend: "files", data: { command: "x" }, cause });
  });

  test("gives the row's hint unless the occasion knows better", () => {
    expect(fault("STATE_UNSAFE").hint).toBe(faults.STATE_UNSAFE.hint);
    expect(fault("STATE_UNSAFE", { hint: "chown it" }).hint).toBe("chown it");
  });

  test("without a cause has no cause member", () => {
    expect("cause" in fault("USAGE")).toBe(false);
  });
});

describe("faultOf", () => {
  test("leaves a fault as it is", () => {
    const made = fault("USAGE");
    expect(faultOf(made)).toBe(made);
  });

  test.each<[string, unknown]>([["an error", new Error("boom")], ["a string", "boom"], ["null", null], ["nothing", undefined]])("turns %s into an INTERNAL fault that keeps it as cause", (_name, thrown) => {
    const made = faultOf(thrown);
    expect(made).toBeInstanceOf(Fault);
    expect(made.code).toBe("INTERNAL" satisfies FaultCode);
    expect(made.cause).toBe(thrown);
    expect(made.message).not.toContain("boom");
  });
});
