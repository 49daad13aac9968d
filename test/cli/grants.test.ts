import { expect, test } from "bun:test";
import type { GrantInfo } from "../../src/auth/index.ts";
import { grantRow, namedGrant, revokeAt } from "../../src/cli/grants.ts";
import { keptOutput } from "../fixtures/cli.ts";

const grantOf = (id: string, name: string): GrantInfo => ({ id, kind: "token", name, clientId: null, scopes: null, resource: null, createdAt: 0, usedAt: 60_000, expiresAt: null });
const all = [grantOf("a", "ci"), grantOf("b", "ci"), grantOf("c", "a"), grantOf("d", "d2")];
const codeOf = (text: string | null): unknown => {
  try {
    return namedGrant(all, text).id;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
};

test("a grant is found by its id before any name, and by a name that only one has", () => {
  expect(["a", "b", "d2", "ci", "none", null].map(codeOf)).toEqual(["a", "b", "d", "USAGE", "NAME_UNKNOWN", "USAGE"]);
});

test("a row says what it opens and when it was used", () => {
  expect(grantRow(grantOf("a", "ci"))).toEqual(["a", "ci", "everything", "1970-01-01 00:00", "1970-01-01 00:01", "-"]);
});

test("one that has just ended by itself is told as that", async () => {
  const stdout = keptOutput();
  await expect(revokeAt({ stdout } as never, { revoke: async () => 0 } as never, grantOf("a", "ci"))).rejects.toThrow("by itself");
  expect(await revokeAt({ stdout } as never, { revoke: async () => 1 } as never, grantOf("a", "c\u001b[2J"))).toBe(0);
  expect(stdout.text()).toBe("“c\\u001b[2J” (a) opens nothing any more\n");
});
