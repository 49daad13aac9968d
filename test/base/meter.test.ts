import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMeter, defaultLimits, type Meter, type Reading } from "../../src/base/index.ts";
import { parseExposition } from "../fixtures/exposition.ts";

const idOf = (number: number): string => `life-${number}`;
const readAs = (meter: Meter, format: "prometheus" | "openmetrics") => parseExposition(meter.text(format, idOf), format);

function metered() {
  const meter = createMeter(defaultLimits);
  const requests = meter.counter({ name: "requests", help: 'Requests "so far".\nA \\ line.', labels: ["server", "code"] });
  const times = meter.histogram({ name: "duration_seconds", help: "Time.", labels: ["server"] }, [0.001, 0.5, 1, 10]);
  meter.observed("gauge", { name: "sessions", help: "Sessions." }, () => [[[], 3]]);
  meter.observed("counter", { name: "restarts", help: "Restarts.", labels: ["server"] }, () => [[["a"], 2]]);
  meter.observed("info", { name: "build", help: "Build.", labels: ["version"] }, () => [[["1.2.3"], 1]]);
  return { meter, requests, times };
}

describe("the text", () => {
  test("is Prometheus 0.0.4, word by word", () => {
    const { meter, requests, times } = metered();
    requests.of("a", "OK").add();
    requests.of("a", "OK").add(2);
    times.of("a").observe(0.5, 7, 1_500);
    times.of("a").observe(99, 0, 0);
    expect(meter.text("prometheus", idOf)).toBe(
      [
        '# HELP requests_total Requests "so far".\\nA \\\\ line.',
        "# TYPE requests_total counter",
        'requests_total{server="a",code="OK"} 3',
        "# HELP duration_seconds Time.",
        "# TYPE duration_seconds histogram",
        'duration_seconds_bucket{server="a",le="0.001"} 0',
        'duration_seconds_bucket{server="a",le="0.5"} 1',
        'duration_seconds_bucket{server="a",le="1.0"} 1',
        'duration_seconds_bucket{server="a",le="10.0"} 1',
        'duration_seconds_bucket{server="a",le="+Inf"} 2',
        'duration_seconds_sum{server="a"} 99.5',
        'duration_seconds_count{server="a"} 2',
        "# HELP sessions Sessions.",
        "# TYPE sessions gauge",
        "sessions 3",
        "# HELP restarts_total Restarts.",
        "# TYPE restarts_total counter",
        'restarts_total{server="a"} 2',
        "# HELP build_info Build.",
        "# TYPE build_info gauge",
        'build_info{version="1.2.3"} 1',
        "",
      ].join("\n"),
    );
  });

  test("is OpenMetrics for whoever asks, with the last call of each range", () => {
    const { meter, times } = metered();
    times.of("a").observe(0.2, 7, 1_500);
    times.of("a").observe(0.3, 8, 2_500);
    times.of("a").observe(0.7, 0, 0);
    const families = readAs(meter, "openmetrics");
    expect([...families.values()].map(({ name, type }) => [name, type])).toEqual([["requests", "counter"], ["duration_seconds", "histogram"], ["sessions", "gauge"], ["restarts", "counter"], ["build", "info"]]);
    const buckets = families.get("duration_seconds")?.samples.filter(({ name }) => name.endsWith("_bucket")) ?? [];
    expect(buckets.map(({ exemplar }) => exemplar)).toEqual([null, { labels: { call_id: "life-8" }, value: 0.3, timestamp: 2.5 }, null, null, null]);
    expect(families.get("build")?.samples).toMatchObject([{ name: "build_info", labels: { version: "1.2.3" }, value: 1 }]);
  });

  test("holds any label value and any number, in both formats", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), fc.double()), { maxLength: 20 }), (readings) => {
        const meter = createMeter(defaultLimits);
        meter.observed("gauge", { name: "x", help: "X.", labels: ["l"] }, () => readings.map(([value, number]): Reading => [[value], number]));
        for (const format of ["prometheus", "openmetrics"] as const) {
          const samples = readAs(meter, format).get("x")?.samples ?? [];
          expect(new Set(samples.map(({ labels }) => labels["l"]))).toEqual(new Set(readings.map(([value]) => value.toWellFormed())));
        }
      }),
    );
  });
});

describe("a family", () => {
  test("gives the same series for the same values", () => {
    const { requests } = metered();
    expect(requests.of("a", "b")).toBe(requests.of("a", "b"));
    expect(requests.of("a", 'b",code="c')).not.toBe(requests.of("a", "b"));
  });

  test("holds so many series, and counts what comes after as other", () => {
    const meter = createMeter({ metricSeriesMax: 3, labelCharsMax: 5 });
    const calls = meter.counter({ name: "calls", help: "Calls.", labels: ["server"] });
    for (let n = 0; n < 100; n += 1) calls.of(`s${n}`).add();
    calls.of("s0").add();
    meter.observed("gauge", { name: "seen", help: "Seen.", labels: ["server"] }, () => Array.from({ length: 10 }, (_, n): Reading => [[`s${n}`], 1]));
    const families = readAs(meter, "prometheus");
    const valuesOf = (name: string) => families.get(name)?.samples.map(({ labels, value }) => [labels["server"], value]);
    expect(valuesOf("calls_total")).toEqual([["s0", 2], ["s1", 1], ["other", 98]]);
    expect(valuesOf("seen")).toEqual([["s0", 1], ["s1", 1], ["other", 8]]);
  });

  test("cuts values that are too long", () => {
    const meter = createMeter({ metricSeriesMax: 3, labelCharsMax: 4 });
    const calls = meter.counter({ name: "calls", help: "Calls.", labels: ["server"] });
    expect(calls.of("abcdefgh")).toBe(calls.of("abcdx"));
  });
});

test("a histogram counts each value in its own range, whatever the values", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (values) => {
      const { meter, times } = metered();
      for (const [place, value] of values.entries()) times.of("a").observe(value, place + 1, 1);
      for (const format of ["prometheus", "openmetrics"] as const) {
        const samples = readAs(meter, format).get("duration_seconds")?.samples ?? [];
        expect(samples.find(({ labels }) => labels["le"] === "0.5")?.value ?? 0).toBe(values.filter((value) => value <= 0.5).length);
      }
    }),
  );
});

test("the reader itself refuses what is not allowed", () => {
  const good = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n";
  expect(parseExposition(good, "prometheus").size).toBe(1);
  for (const bad of ["a 1\n", good.slice(0, -1), `${good}a_total 2\n`, good.replace("1", "one"), good.replace("a_total 1", 'a_total{x="\\z"} 1'), good.replace("counter", "thing"), `${good}${good}`, good.replace("a_total 1", "a_total -1"), good.replace("a_total 1", "b_total 1"), good.replace(/a_total/g, "a"), good.replace("1", "1 # {a=\"b\"} 1")]) expect(() => parseExposition(bad, "prometheus")).toThrow();
  expect(() => parseExposition(good, "openmetrics")).toThrow("EOF");
});
