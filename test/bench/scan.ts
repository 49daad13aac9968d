/**
 * What reading a message costs, beside what else could be done with it: `bun test/bench/scan.ts`. The figures of
 * docs/decisions/0004-text-slices.md come from here; only ratios within one run mean anything.
 */
import { defaultLimits } from "../../src/base/index.ts";
import { decodeText, editObject, type Message, parseMessage, requestText } from "../../src/protocol/index.ts";

const utf8 = new TextEncoder();
const message = (result: unknown): string => JSON.stringify({ jsonrpc: "2.0", id: 1, result });
const text = (t: string): unknown => ({ content: [{ type: "text", text: t }] });
const rows = Array.from({ length: 20_000 }, (_, i) => ({ a: i, b: `x${i}`, c: [1.5, true, null] }));

const request = JSON.stringify({
  jsonrpc: "2.0",
  id: 12,
  method: "tools/call",
  params: {
    name: "everything__get-weather",
    arguments: { city: "Paris", units: "metric", days: 3, detail: true },
    _meta: { "example.com/protocolVersion": "1", "example.com/clientInfo": { name: "bench", version: "1.0.0" }, "example.com/clientCapabilities": {}, progressToken: 1 },
  },
});

const samples: readonly (readonly [string, string])[] = [
  ["request, small", request],
  ["base64, 1 MiB", message({ content: [{ type: "image", data: "QUJD".repeat(262_144) }] })],
  ["prose with escapes, 1 MB", message(text('The quick "brown" fox\njumps over\tthe lazy dog. '.repeat(20_000)))],
  ["JSON within a string, 0.6 MB", message(text(JSON.stringify(rows.map(({ a, b }) => ({ a, b })))))],
  ["structured, 0.9 MB", message({ structuredContent: { rows } })],
  ["structured, pretty-printed, 3 MB", JSON.stringify({ jsonrpc: "2.0", id: 1, result: { structuredContent: { rows } } }, null, 2)],
];

/** Microseconds of the best of many short batches: on a busy machine a long one is always interrupted. */
function best(run: () => unknown, rounds: number): number {
  const batch = Math.max(1, Math.floor(rounds / 500));
  let least = Number.POSITIVE_INFINITY;
  for (let done = 0; done < rounds * 4; done += batch) {
    const begun = performance.now();
    for (let i = 0; i < batch; i += 1) run();
    least = Math.min(least, ((performance.now() - begun) / batch) * 1000);
  }
  return least;
}

function read(bytes: Uint8Array): Message {
  const parsed = parseMessage(decodeText(bytes) ?? "", defaultLimits);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.message;
}

/** Looks at each byte once and does nothing with it: the least that a scanner over bytes could take. */
function touchBytes(bytes: Uint8Array): number {
  let depth = 0;
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] === 123) depth += 1;
  return depth;
}

const cell = (us: number): string => us.toFixed(us < 10 ? 2 : 0).padStart(9);
process.stdout.write(`${"µs".padEnd(34)}   decode  + scan  + JSON.parse  + parse and stringify  a loop over the bytes\n`);
for (const [name, sample] of samples) {
  const bytes = utf8.encode(sample);
  const rounds = Math.max(10, Math.floor(30_000_000 / bytes.length));
  const figures = [
    best(() => decodeText(bytes), rounds),
    best(() => read(bytes), rounds),
    best(() => JSON.parse(decodeText(bytes) ?? ""), rounds),
    best(() => JSON.stringify(JSON.parse(decodeText(bytes) ?? "")), rounds),
    best(() => touchBytes(bytes), rounds),
  ];
  process.stdout.write(`${name.padEnd(34)}${figures.map(cell).join("")}\n`);
}

const located = read(utf8.encode(request));
if (located.kind !== "request" || located.params === null) throw new Error("no request");
const { params } = located;
const rewritten = best(() => utf8.encode(requestText(7, "tools/call", editObject(params, { name: '"get-weather"' }))), 50_000);
process.stdout.write(`${"rename, new id, encode (small)".padEnd(34)}${cell(rewritten)}\n`);

/** The same rewriting on bytes, told beforehand where everything stands: three copies into a new array. */
function spliceBytes(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const put = utf8.encode('{"jsonrpc":"2.0","id":7,"result":');
  const out = new Uint8Array(put.length + (to - from) + 1);
  out.set(put);
  out.set(bytes.subarray(from, to), put.length);
  out[out.length - 1] = 125;
  return out;
}

for (const [name, sample] of samples.slice(0, 2)) {
  const bytes = utf8.encode(sample);
  const decoded = decodeText(bytes) ?? "";
  const rounds = Math.max(10, Math.floor(30_000_000 / bytes.length));
  const asText = best(() => utf8.encode(`{"jsonrpc":"2.0","id":7,"result":${decoded.slice(20, -1)}}`), rounds);
  process.stdout.write(`${`splice ${name}`.padEnd(34)}${cell(asText)} as text and encoded${cell(best(() => spliceBytes(bytes, 20, bytes.length - 1), rounds))} as bytes\n`);
}
