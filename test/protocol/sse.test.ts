import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSseReader, type SseEvent, sseComment, sseEvent } from "../../src/protocol/sse.ts";

const utf8 = new TextEncoder();

interface Seen {
  readonly events: SseEvent[];
  readonly problems: string[];
}

function readAll(chunks: readonly Uint8Array[], bytesMax = 10_000): Seen {
  const seen: Seen = { events: [], problems: [] };
  const reader = createSseReader({ bytesMax, onEvent: (e) => seen.events.push(e), onProblem: (what) => seen.problems.push(what) });
  for (const chunk of chunks) reader.feed(chunk);
  reader.end();
  return seen;
}

const read = (text: string): SseEvent[] => readAll([utf8.encode(text)]).events;
const event = (more: Partial<SseEvent>): SseEvent => ({ event: "message", data: "", id: null, retryMs: null, ...more });

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((p) => p % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
}

test("the standard's examples are read as the standard says", () => {
  expect(read("data: YHOO\ndata: +2\ndata: 10\n\n")).toEqual([event({ data: "YHOO\n+2\n10" })]);
  expect(read(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n")).toEqual([
    event({ data: "first event", id: "1" }),
    event({ data: "second event", id: "" }),
    event({ data: " third event" }),
  ]);
  expect(read("data\n\ndata\ndata\n\ndata:")).toEqual([event({}), event({ data: "\n" })]);
  expect(read("data:test\n\ndata: test\n\n")).toEqual([event({ data: "test" }), event({ data: "test" })]);
});

test("fields: type, id without NUL, retry of digits only, unknown ones and comments ignored", () => {
  expect(read("event: endpoint\ndata: /x\nfoo: bar\n:c\nDATA: no\n\n")).toEqual([event({ event: "endpoint", data: "/x" })]);
  expect(read("id: a\0b\ndata: x\n\n")).toEqual([event({ data: "x" })]);
  expect(read("retry: 250\ndata: x\n\n")).toEqual([event({ data: "x", retryMs: 250 })]);
  for (const retry of ["-1", "1.5", "1e3", "x", "", "٣", "1".repeat(400)]) expect(read(`retry: ${retry}\ndata: x\n\n`)).toEqual([event({ data: "x" })]);
  expect(read("event: only-a-type\n\ndata: x\n\n")).toEqual([event({ data: "x" })]);
});

test("a block with an id or a retry time alone is told, with empty data", () => {
  expect(read("id: 7\nretry: 10\n\nid: 8\ndata:\n\n")).toEqual([event({ id: "7", retryMs: 10 }), event({ id: "8" })]);
});

test("an event that is not complete at the end is dropped", () => {
  expect(read("data: a\n\ndata: b\n")).toEqual([event({ data: "a" })]);
});

test("every line break of the standard works, wherever the chunks are split", () => {
  const lines = ["\ufeffevent: é€😀", "id: 1", "data: {", "data: }", "", "data: x\u2028", ": c", "", ""];
  const expected = [event({ event: "é€😀", id: "1", data: "{\n}" }), event({ data: "x\u2028" })];
  for (const end of ["\n", "\r\n", "\r"]) {
    const bytes = utf8.encode(lines.join(end));
    for (let a = 0; a <= bytes.length; a += 1) for (let b = a; b <= bytes.length; b += 1) expect(readAll(cut(bytes, [a, b])).events).toEqual(expected);
    expect(readAll(Array.from(bytes, (byte) => new Uint8Array([byte]))).events).toEqual(expected);
  }
});

test("mixed line breaks split alike however the bytes arrive", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("\r", "\n", "\r\n", "data: a", "id: b", "x", "", "event: c"), { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 6 }), (parts, places) => {
      const text = parts.join("");
      const bytes = utf8.encode(text);
      const normal = utf8.encode(text.replace(/\r\n?/g, "\n"));
      expect(readAll(cut(bytes, places))).toEqual(readAll([normal]));
    }),
    { numRuns: 3000 },
  );
});

test("an event over the bound is dropped and reported once, and the next one is read", () => {
  const long = `data: ${"x".repeat(200)}\n`;
  for (const text of [`${long}\ndata: y\n\n`, `data: a\n${long}data: b\n\ndata: y\n\n`, `${"data: 0123456789\n".repeat(20)}\ndata: y\n\n`, `${"data\n".repeat(200)}\ndata: y\n\n`]) {
    const bytes = utf8.encode(text);
    for (const chunks of [[bytes], cut(bytes, [3, 50, 90, 150])]) expect(readAll(chunks, 100)).toEqual({ events: [event({ data: "y" })], problems: ["too-long"] });
  }
});

test("an event that is not UTF-8 is dropped and reported, and the next one is read", () => {
  const bytes = new Uint8Array([...utf8.encode("data: "), 0xff, 10, ...utf8.encode("data: more\n\ndata: y\n\n")]);
  for (let a = 0; a <= bytes.length; a += 1) expect(readAll(cut(bytes, [a]))).toEqual({ events: [event({ data: "y" })], problems: ["not-utf8"] });
});

test("nothing is read after the end", () => {
  const events: SseEvent[] = [];
  const reader = createSseReader({ bytesMax: 100, onEvent: (e) => events.push(e), onProblem: () => undefined });
  reader.end();
  reader.feed(utf8.encode("data: x\n\n"));
  expect(events).toEqual([]);
});

test("what is written is read back, with several lines of data too", () => {
  const word = fc.string({ unit: "binary" }).filter((s) => !/[\r\n\0]/.test(s));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.option(word), fc.option(word), fc.option(fc.nat()), (data, type, id, retryMs) => {
      const text = sseEvent({ data, ...(type === null ? {} : { event: type }), ...(id === null ? {} : { id }), ...(retryMs === null ? {} : { retryMs }) });
      const expected = event({ data: data.replace(/\r\n?/g, "\n"), event: type === null || type === "" ? "message" : type, id, retryMs });
      expect(read(sseComment("still here") + text)).toEqual([expected]);
    }),
    { numRuns: 1000 },
  );
});

test("one line of data is written as one line", () => {
  expect(sseEvent({ data: '{"a":1}' })).toBe('data: {"a":1}\n\n');
  expect(sseEvent({ data: "x", event: "message", id: "7", retryMs: 5 })).toBe("event: message\nid: 7\nretry: 5\ndata: x\n\n");
});

test("a line break in a type, an id or a comment is refused, since it could forge an event", () => {
  for (const bad of ["a\nb", "a\rb", "a\0b"]) {
    expect(() => sseEvent({ data: "x", id: bad })).toThrow(TypeError);
    expect(() => sseEvent({ data: "x", event: bad })).toThrow(TypeError);
    expect(() => sseComment(bad)).toThrow(TypeError);
  }
});
