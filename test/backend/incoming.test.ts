import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/base/index.ts";
import { eachMessage } from "../../src/backend/incoming.ts";

const read = (text: string) => {
  const kinds: string[] = [];
  eachMessage(text, { ...defaultLimits, batchMax: 3 }, ({ kind }) => kinds.push(kind), ({ id }) => kinds.push(`misfit ${id}`));
  return kinds;
};
const note = '{"jsonrpc":"2.0","method":"n"}';

test("one message comes out as one", () => expect(read(note)).toEqual(["notification"]));
test("a batch comes out in order, its misfits among the rest", () => {
  expect(read(` \n[${note},{"jsonrpc":"2.0","id":1,"result":{}},17]`)).toEqual(["notification", "result", "misfit null"]);
});
test("a broken array, and one that is too long, is one misfit", () => {
  expect(read(`[${note}`)).toEqual(["misfit null"]);
  expect(read(`[${[note, note, note, note].join(",")}]`)).toEqual(["misfit null"]);
});
test("text that is no message is a misfit that keeps the id it shows", () => {
  expect(read("Server listening")).toEqual(["misfit null"]);
  expect(read('{"jsonrpc":"2.0","id":7,"result":17}')).toEqual(["misfit 7"]);
});
