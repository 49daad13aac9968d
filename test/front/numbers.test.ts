import { expect, test } from "bun:test";
import { createMeter, defaultLimits } from "../../src/base/index.ts";
import { trafficOf } from "../../src/front/numbers.ts";
import { openFront, post } from "../fixtures/front.ts";
import { createSmallEras, json, streaming } from "../fixtures/smallEras.ts";

test("what goes through the door is counted, and what runs is told", () => {
  const meter = createMeter(defaultLimits);
  const traffic = trafficOf({ meter, eras: { status: () => ({ sessions: 3, streams: 2, parked: 1 }) }, version: "1.2.3", startedAt: 5_000 });
  traffic.received.add(10);
  traffic.sent.add(20);
  traffic.refused("TOKEN_INVALID");
  const text = meter.text("prometheus", String);
  for (const line of ['onemcp_client_bytes_total{direction="in"} 10', 'onemcp_client_bytes_total{direction="out"} 20', 'onemcp_refusals_total{code="TOKEN_INVALID"} 1', "onemcp_sessions 3", "onemcp_streams 2", "onemcp_parked_calls 1", "process_start_time_seconds 5"]) expect(text).toContain(`${line}\n`);
  expect(text).toMatch(/^onemcp_build_info\{version="1\.2\.3",runtime="bun [^"]+",platform="[^"]+"\} 1$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d{6,}$/m);
  expect(text).toMatch(/^process_cpu_seconds_total \d/m);
});

test("bytes are those on the wire, of bodies and of streams, and refusals are counted by code", async () => {
  const meter = createMeter(defaultLimits);
  const { out, queue } = streaming();
  await using front = await openFront({ meter, eras: createSmallEras((request) => (request.selection.server === "stream" ? out : json('"ü"'))) });
  await post(front.url, '{"ä":1}');
  queue.push("data: ü\n\n");
  queue.end();
  await (await post(`${front.url}/stream`, "{}")).text();
  await post(front.url, "{}", { host: "evil.example" });
  const text = meter.text("prometheus", String);
  expect(text).toContain('onemcp_client_bytes_total{direction="in"} 10\n');
  expect(text).toContain('onemcp_client_bytes_total{direction="out"} 14\n');
  expect(text).toContain('onemcp_refusals_total{code="ORIGIN_REFUSED"} 1\n');
});
