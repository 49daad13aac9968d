import { expect, test } from "bun:test";
import fc from "fast-check";
import { answeredIn, edgeChars } from "../../src/protocol/wreck.ts";

const whole = (text: string) => answeredIn(text, text);

test("the id stands in front of the outcome, or at the very end, in either spelling", () => {
  expect(whole('{"jsonrpc":"2.0","id":7,"result":{"a":')).toBe("7");
  expect(whole(' { "id" : 7 , "jsonrpc" : "2.0" , "error" : {')).toBe("7");
  expect(whole('{"jsonrpc":"2.0","result":{"id":3,"x":"","id":8}},"id":9}')).toBe("9");
  expect(whole('{"result":{},"id":"12","jsonrpc":"2.0"}\r')).toBe("12");
  expect(whole('{"jsonrpc":"2.0","id":7.0,"result":{}}')).toBe("7");
});

test("what may be a request, a notification, or another object's id says nothing", () => {
  for (const text of [
    '{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"x":',
    '{"jsonrpc":"2.0","id":7,',
    '{"jsonrpc":"2.0","id":7',
    '{"method":"m","params":{},"id":7}',
    '{"result":{"id":7}}',
    '{"result":{"text":"\\"id\\":7}"}}',
    'log: {"id":7,"result":{}}',
    '{"id":null,"result":{}}',
    '{"id":7.5,"result":{}}',
    "",
  ])
    expect([text, whole(text)]).toEqual([text, null]);
});

test("of a message of any length the edges are enough", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.nat(5000), fc.boolean(), (id, size, isFirst) => {
      const filling = `{"text":"${"x".repeat(size)}"}`;
      const text = isFirst ? `{"jsonrpc":"2.0","id":${id},"result":${filling}}` : `{"jsonrpc":"2.0","result":${filling},"id":${id}}`;
      expect(answeredIn(text.slice(0, edgeChars), text.slice(-edgeChars))).toBe(String(id));
    }),
  );
});
