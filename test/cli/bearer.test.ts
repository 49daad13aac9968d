import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { tokenOf } from "../../src/cli/bearer.ts";
import { parseSettings } from "../../src/cli/flags.ts";
import { createFolder } from "../fixtures/folder.ts";

const around = (given: Record<string, string>, env: Record<string, string> = {}) => {
  const parsed = parseSettings(new Map(Object.entries(given)), env);
  if (!parsed.ok) throw new Error(parsed.problem);
  return { settings: parsed.settings, env };
};

test("the token comes from its file, else from the environment, and from nowhere else", async () => {
  await using folder = await createFolder();
  await writeFile(folder.at("token"), " secret\n", { mode: 0o600 });
  await writeFile(folder.at("empty"), "\n", { mode: 0o600 });
  expect(await tokenOf(around({ "token-file": folder.at("token") }, { ONE_MCP_TOKEN: "other" }))).toBe("secret");
  expect([await tokenOf(around({}, { ONE_MCP_TOKEN: "other" })), await tokenOf(around({}, { ONE_MCP_TOKEN: "" })), await tokenOf(around({}))]).toEqual(["other", null, null]);
  await expect(tokenOf(around({ "token-file": folder.at("empty") }))).rejects.toMatchObject({ code: "USAGE" });
});
