import { expect, test } from "bun:test";
import { goneFault } from "../../src/backend/gone.ts";

test("the hint says that a call may have run only where it was sent", () => {
  expect(goneFault("s", "it ended", true)).toMatchObject({ code: "BACKEND_GONE", backend: "s", data: { sent: true }, hint: expect.stringContaining("may have run") });
  expect(goneFault("s", "it ended", false)).toMatchObject({ data: { sent: false }, hint: expect.stringContaining("can be made again") });
});
