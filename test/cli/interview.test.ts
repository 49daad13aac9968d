import { expect, test } from "bun:test";
import { answerTo, interview, markedOf, parseAnswer, scopesOf, verified } from "../../src/cli/interview.ts";
import { editorAsks as request } from "../fixtures/doorkeeper.ts";

async function answered(...lines: readonly string[]) {
  const left = [...lines];
  let text = "";
  const decision = await interview(request, { write: (more) => void (text += more), next: async () => left.shift() ?? null, now: 0 });
  return { decision, text, left };
}

test("a person is shown who asks and for what, with nothing that drives his terminal, and asked until he is understood", async () => {
  const { decision, text, left } = await answered("eh?", "3", "2", "y");
  expect([decision, left, text.match(/Is this the code/g)?.length, text.includes("\u001b"), text.includes("HRCL-PCVJ")]).toEqual([{ approve: true, scopes: ["server:db"] }, ["y"], 3, false, true]);
});

test("no answer decides nothing, and a no is a no", async () => {
  expect([(await answered()).decision, (await answered("")).decision, (await answered("n")).decision]).toEqual([null, null, { approve: false }]);
  expect(parseAnswer("all", request)).toEqual(["tag:web", "server:db"]);
});

test("what it says of a request is the same wherever it is shown", () => {
  expect([scopesOf(request), markedOf(request), verified(request), answerTo(request), answerTo({ ...request, redirectHost: null })]).toEqual([["tag:web", "server:db"], ["tag:web"], "not verified", "127.0.0.1:4000 (this computer)", "the device that shows the code"]);
});
