import { expect, test } from "bun:test";
import { fault } from "../../src/base/index.ts";
import { aboutServer, entryIn, entryOf, serverName } from "../../src/cli/serverNames.ts";
import { keptOutput } from "../fixtures/cli.ts";

const file = { mcpServers: { git: { command: "x" } } };

test("an entry is found by its exact name, and the nearest one is told where there is none", () => {
  expect([entryIn(file, "git"), entryIn(file, "toString"), entryIn({}, "git")]).toEqual([{ command: "x" }, null, null]);
  expect(() => entryOf(file, "gti")).toThrow("there is no server “gti”");
  expect(() => serverName({ operand: null })).toThrow("it needs the name of a server");
});

test("that there is none of that name has its own exit code; other failures go on", async () => {
  const stderr = keptOutput();
  const occasion = { stderr } as never;
  expect(await aboutServer(() => Promise.reject(fault("NAME_UNKNOWN")))(occasion)).toBe(4);
  expect(stderr.text()).toContain("nothing of that name is offered here");
  await expect(aboutServer(() => Promise.reject(fault("USAGE")))(occasion)).rejects.toMatchObject({ code: "USAGE" });
});
