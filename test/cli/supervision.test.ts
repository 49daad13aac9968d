import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { systemClock } from "../../src/base/index.ts";
import { claimSupervision, forgetSupervision, isOrphan, readSupervision, writeSupervision } from "../../src/cli/supervision.ts";
import { createFolder } from "../fixtures/folder.ts";

const nobody = { phase: "running", worker: null, restarts: 0, retryAt: null, lastExit: null, flags: [], supervisor: null };

test("a state folder has one supervisor, whose words are read, and are its own while it lives", async () => {
  await using folder = await createFolder();
  const stateDir = folder.at("state");
  expect(await readSupervision(stateDir)).toEqual(nobody as never);
  const claim = await claimSupervision({ stateDir, clock: systemClock });
  await expect(claimSupervision({ stateDir, clock: systemClock })).rejects.toMatchObject({ code: "STATE_OWNED" });
  expect(await readSupervision(stateDir)).toMatchObject({ supervisor: process.pid, worker: null });
  await writeSupervision(stateDir, { phase: "restarting", worker: 7, restarts: 2, retryAt: 5, lastExit: "it ended with 1", flags: ["--port=1"] });
  expect(await readSupervision(stateDir)).toEqual({ supervisor: process.pid, phase: "restarting", worker: 7, restarts: 2, retryAt: 5, lastExit: "it ended with 1", flags: ["--port=1"] });
  await claim.release();
  expect(await readSupervision(stateDir)).toMatchObject({ supervisor: null, worker: 7 });
  for (const text of ["{", "null", '{"flags":1}']) {
    await writeFile(folder.at("state", "supervisor", "state.json"), text);
    expect(await readSupervision(stateDir)).toEqual(nobody as never);
  }
  await forgetSupervision(stateDir);
  expect(await readSupervision(stateDir)).toEqual(nobody as never);
});

test("a server is an orphan when the supervisor that named it has gone", () => {
  const left = { ...nobody, phase: "running" as const, worker: 7 };
  expect([isOrphan(left, 7), isOrphan(left, 8), isOrphan({ ...left, worker: null }, null), isOrphan({ ...left, supervisor: 1 }, 7)]).toEqual([true, false, false, false]);
});
