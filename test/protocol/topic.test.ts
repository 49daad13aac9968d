import { expect, test } from "bun:test";
import { taskIn, taskTopic } from "../../src/protocol/index.ts";

test("a task's topic gives its id back, whatever that is, and is none of a resource", () => {
  for (const id of ["1", "", "a/b", "\u0000", "ui://x"]) expect(taskIn(taskTopic(id))).toBe(id);
  for (const uri of ["a://1", "", "task:1"]) expect(taskIn(uri)).toBeNull();
});
