import { expect, test } from "bun:test";
import { defaultLimits, fault } from "../../src/base/index.ts";
import { createLines, createSseReader, decodeText, editObject, errorText, parseMessage, quote, rpcErrorOf, sseEvent } from "../../src/protocol/index.ts";

test("a call goes through the door: bytes to message, renamed, framed, and back by SSE, its payload untouched", () => {
  const sent: string[] = [];
  const lines = createLines({
    bytesMax: 1000,
    onProblem: (what) => sent.push(what),
    onText(line) {
      const parsed = parseMessage(line, defaultLimits);
      if (!parsed.ok || parsed.message.kind !== "request" || parsed.message.params === null) return sent.push("refused");
      return sent.push(editObject(parsed.message.params, { name: quote("local") }));
    },
  });
  lines.feed(new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"srv__local","arguments":{"10":1.10,"2":9007199254740993}}}\nnoise\n'));
  lines.end();
  expect(sent).toEqual(['{"name":"local","arguments":{"10":1.10,"2":9007199254740993}}', "refused"]);
  const back: string[] = [];
  const reader = createSseReader({ bytesMax: 1000, onProblem: (what) => back.push(what), onEvent: (e) => back.push(e.data) });
  reader.feed(new TextEncoder().encode(sseEvent({ data: errorText("1", rpcErrorOf(fault("NAME_UNKNOWN"))) })));
  reader.end();
  const parsed = parseMessage(back[0] ?? "", defaultLimits);
  expect(parsed.ok && parsed.message.kind === "failure" && parsed.message.error.code).toBe(-32602);
  expect(parsed.ok && parsed.message.kind === "failure" && parsed.message.error.data).toContain('"origin":"1mcp"');
  expect(decodeText(new Uint8Array([0xff]))).toBeNull();
});
