import { expect, test } from "bun:test";
import { Vigil } from "../../src/backend/vigil.ts";

/** A vigil whose questions the test answers: true, false, or what the server says meanwhile. */
function stage(probesMax = 3) {
  const questions: PromiseWithResolvers<boolean>[] = [];
  const told: string[] = [];
  let heard = 0;
  const vigil = new Vigil({
    limits: { probesMax, aliveMsMax: 5000 },
    probe: (ms) => {
      expect(ms).toBe(5000);
      const question = Promise.withResolvers<boolean>();
      questions.push(question);
      return question.promise;
    },
    heard: () => heard,
    silent: () => told.push("silent"),
    answers: () => told.push("answers"),
    dead: () => told.push("dead"),
  });
  const answer = async (lives: boolean): Promise<void> => {
    questions.at(-1)?.resolve(lives);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  };
  return { vigil, questions, told, answer, hear: () => (heard += 1) };
}

test("a server that answers the first question was only slow: nobody hears of it", async () => {
  const { vigil, told, answer, questions } = stage();
  vigil.late();
  await answer(true);
  expect([told, questions.length]).toEqual([[], 1]);
});

test("silence is told once, an answer to a later question ends it, and the next late call asks anew", async () => {
  const { vigil, told, answer } = stage();
  vigil.late();
  await answer(false);
  await answer(false);
  await answer(true);
  expect(told).toEqual(["silent", "answers"]);
  vigil.late();
  await answer(false);
  expect(told).toEqual(["silent", "answers", "silent"]);
});

test("after the last question without an answer it is dead", async () => {
  const { vigil, told, answer, questions } = stage();
  vigil.late();
  for (let question = 0; question < 3; question += 1) await answer(false);
  expect([told, questions.length]).toEqual([["silent", "dead"], 3]);
});

test("whatever it says while it is asked is a sign of life", async () => {
  const { vigil, told, answer, hear } = stage();
  vigil.late();
  hear();
  await answer(false);
  expect(told).toEqual([]);
});

test("many late calls make one question, and none when it has ended", async () => {
  const { vigil, told, answer, questions } = stage();
  for (let calls = 0; calls < 100; calls += 1) vigil.late();
  expect(questions).toHaveLength(1);
  vigil.end();
  await answer(false);
  vigil.late();
  expect([told, questions.length]).toEqual([[], 1]);
});
