import { expect, test } from "bun:test";
import { createLog, defaultLimits } from "../../src/base/index.ts";
import type { Problem } from "../../src/catalog/index.ts";
import { ProblemLog } from "../../src/hub/problems.ts";
import { createTestClock } from "../fixtures/clock.ts";

function stage() {
  const lines: string[] = [];
  const problems = new ProblemLog(createLog({ level: "info", write: (line) => void lines.push(line), pretty: false, clock: createTestClock() }));
  const tell = (...told: Problem[]): unknown[] => {
    lines.length = 0;
    problems.tell(told, { ...defaultLimits, listItemsMax: 1000 });
    return lines.map((line) => JSON.parse(line));
  };
  return tell;
}
const problem = (id: string, reason = "odd", backend = "a"): Problem => ({ backend, kind: "tools", id, reason });

test("what cannot be shown is in the log with its server and reason, together what is alike, and once", () => {
  const tell = stage();
  expect(tell()).toEqual([]);
  expect(tell(problem("x"), problem("y"), problem("z", "other"), problem("x", "odd", "b"))).toMatchObject([
    { level: "warn", server: "a", list: "tools", reason: "odd", names: '["x","y"]', count: 2 },
    { server: "a", reason: "other", names: '["z"]' },
    { server: "b", reason: "odd", names: '["x"]' },
  ]);
  expect(tell(problem("x"), problem("y"))).toEqual([]);
  expect(tell(problem("x"), problem("new"))).toMatchObject([{ names: '["new"]', count: 1 }]);
});

test("however much it is, what is said of one change and what is remembered is bounded", () => {
  const tell = stage();
  const reasons = tell(...Array.from({ length: 100 }, (_, index) => problem("x", `reason ${index}`)));
  expect(reasons).toHaveLength(21);
  expect(reasons.at(-1)).toMatchObject({ reasons: 80 });
  expect(tell(...Array.from({ length: 5000 }, (_, index) => problem(`n${index}`)))).toMatchObject([{ names: '["n0","n1","n2","n3","n4"]', count: 5000 }]);
  expect(tell(problem("x", "reason 0"))).toHaveLength(1);
});
