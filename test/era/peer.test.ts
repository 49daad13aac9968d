import { expect, test } from "bun:test";
import { answerPeer } from "../../src/era/peer.ts";
import type { Request } from "../../src/protocol/index.ts";
import { benchOf, messageOf } from "../fixtures/wire.ts";

const ask = (text: string): Request => messageOf(text) as Request;

test("a ping is answered with nothing but its id, byte for byte", () => {
  const { south, wire } = benchOf("http", () => "silent");
  answerPeer(south, ask('{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}'), { "mcp-session-id": "s" });
  expect(wire.sent).toEqual([{ text: '{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}', headers: { "mcp-session-id": "s" } }]);
});

// Checklist: B15
test("a question is refused at once, where it was not declared", () => {
  const { south, wire } = benchOf("stdio", () => "silent");
  answerPeer(south, ask('{"jsonrpc":"2.0","id":"r","method":"roots/list"}'), {});
  expect(JSON.parse(wire.sent[0]?.text ?? "")).toEqual({ jsonrpc: "2.0", id: "r", error: { code: -32601, message: "this client does not offer roots/list" } });
});

// Checklist: B15
test("roots that were declared are none where nobody's can be meant", () => {
  const { south, wire } = benchOf("stdio", () => "silent", { capabilities: '{"roots":{}}' });
  for (const method of ["roots/list", "sampling/createMessage"]) answerPeer(south, ask(`{"jsonrpc":"2.0","id":1,"method":"${method}"}`), {});
  expect(wire.sent.map(({ text }) => text)).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}', '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"this client does not offer sampling/createMessage"}}']);
});

test("a backend that is gone needs no answer", async () => {
  const { south, wire, clock } = benchOf("stdio", () => "silent");
  wire.sendFails = true;
  answerPeer(south, ask('{"jsonrpc":"2.0","id":1,"method":"ping"}'), {});
  await clock.settle();
  expect(wire.sent).toEqual([]);
});
