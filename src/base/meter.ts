/**
 * Numbers about the running program, and their text for a collector: Prometheus 0.0.4, or OpenMetrics 1.0 for whoever
 * asks for it. Whoever counts holds on to its own series, so that counting is one addition; what can be read when somebody
 * looks is read then. A family holds a bounded number of series, and what comes after shares one that is called "other":
 * a peer that makes up names can fill neither memory nor the collector.
 */
import type { Limits } from "./limits.ts";

/** A number that only grows. */
export class Counter {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  add(amount = 1): void {
    this.#value += amount;
  }
}

/** How often values fell into which range, and for each range the last call that did. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last is for what lies above all of them. */
  readonly #counts: number[];
  readonly #examples: Example[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
    // Made now, so that noting one makes nothing.
    this.#examples = this.#counts.map(() => ({ number: 0, value: 0, atMs: 0 }));
  }

  /** Counts a value of the call with this number (0: of none), at this time (ms since the epoch). */
  observe(value: number, number: number, atMs: number): void {
    const bounds = this.#bounds;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place += 1;
    this.#counts[place] = (this.#counts[place] as number) + 1;
    this.#sum += value;
    const example = this.#examples[place] as Example;
    example.number = number;
    example.value = value;
    example.atMs = atMs;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Range by range: its upper bound, how many values lie at or below it, and the last call that fell into it. */
  buckets(): readonly { readonly bound: number; readonly count: number; readonly example: Readonly<Example> | null }[] {
    let count = 0;
    return this.#counts.map((own, place) => {
      count += own;
      const example = this.#examples[place] as Example;
      return { bound: this.#bounds[place] ?? Number.POSITIVE_INFINITY, count, example: example.number === 0 ? null : { ...example } };
    });
  }
}

interface Example {
  number: number;
  value: number;
  atMs: number;
}

/** One metric. `name` without the ending that its kind adds (`_total`, `_info`). */
export interface Described {
  readonly name: string;
  /** What it says, in a sentence. */
  readonly help: string;
  /** The names of its labels. */
  readonly labels?: readonly string[];
}

/** Label values, in the order of the label names, and the number. */
export type Reading = readonly [values: readonly string[], value: number];

/** All series of one metric. */
export interface Family<T> {
  /** The series with these label values; the same one each time. */
  of(...values: readonly string[]): T;
}

export type Format = "prometheus" | "openmetrics";

/** The content types of the two formats. */
export const formatTypes: Readonly<Record<Format, string>> = Object.freeze({
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
});

export interface Meter {
  counter(described: Described): Family<Counter>;
  /** `bounds` rise. */
  histogram(described: Described, bounds: readonly number[]): Family<Histogram>;
  /** Read whenever somebody looks. */
  observed(kind: "gauge" | "counter" | "info", described: Described, read: () => Iterable<Reading>): void;
  /** Everything, in the order in which it was described. `idOf` names the call of an example. */
  text(format: Format, idOf: (number: number) => string): string;
}

type Kind = "counter" | "gauge" | "info" | "histogram";

/** One line's worth: what follows the metric's name, its labels, and the number. */
interface Sample {
  readonly suffix: string;
  readonly labels: string;
  readonly value: number;
  readonly example?: Readonly<Example> | null;
}

interface Metric extends Described {
  readonly kind: Kind;
  samples(): Sample[];
}

const rest = "other";

/** Makes a meter without metrics. */
export function createMeter(limits: Pick<Limits, "metricSeriesMax" | "labelCharsMax">): Meter {
  const metrics: Metric[] = [];
  const family = <T>(kind: Kind, described: Described, make: () => T, samplesOf: (series: T, pairs: readonly string[]) => Sample[]): Family<T> => {
    const series = new Series(described.labels ?? [], limits, make);
    metrics.push({ ...described, kind, samples: () => [...series.all()].flatMap(([pairs, one]) => samplesOf(one, pairs)) });
    return series;
  };
  return {
    counter: (described) => family("counter", described, () => new Counter(), (one, pairs) => [{ suffix: "_total", labels: braced(pairs), value: one.value }]),
    histogram: (described, bounds) => family("histogram", described, () => new Histogram(bounds), histogramSamples),
    observed(kind, described, read) {
      const suffix = suffixes[kind];
      const samples = (): Sample[] => {
        const seen = new Series(described.labels ?? [], limits, () => ({ value: 0 }));
        // What shares a series is added up, so that a sum over all stays right.
        for (const [values, value] of read()) seen.of(...values).value += value;
        return [...seen.all()].map(([pairs, { value }]) => ({ suffix, labels: braced(pairs), value }));
      };
      metrics.push({ ...described, kind, samples });
    },
    text: (format, idOf) => metrics.map((metric) => metricText(metric, format, idOf)).join("") + (format === "openmetrics" ? "# EOF\n" : ""),
  };
}

const suffixes = Object.freeze({ gauge: "", counter: "_total", info: "_info" });

class Series<T> implements Family<T> {
  readonly #labels: readonly string[];
  readonly #limits: Pick<Limits, "metricSeriesMax" | "labelCharsMax">;
  readonly #make: () => T;
  readonly #byKey = new Map<string, readonly [pairs: readonly string[], series: T]>();

  constructor(labels: readonly string[], limits: Pick<Limits, "metricSeriesMax" | "labelCharsMax">, make: () => T) {
    this.#labels = labels;
    this.#limits = limits;
    this.#make = make;
  }

  of(...values: readonly string[]): T {
    const pairs = this.#pairsOf((place) => values[place] ?? "");
    const known = this.#byKey.get(pairs.join());
    if (known !== undefined) return known[1];
    // The last place is kept for all the others.
    return this.#byKey.size < this.#limits.metricSeriesMax - 1 ? this.#add(pairs) : this.#others();
  }

  all(): Iterable<readonly [readonly string[], T]> {
    return this.#byKey.values();
  }

  #others(): T {
    const pairs = this.#pairsOf(() => rest);
    return this.#byKey.get(pairs.join())?.[1] ?? this.#add(pairs);
  }

  #add(pairs: readonly string[]): T {
    const made = this.#make();
    this.#byKey.set(pairs.join(), [pairs, made]);
    return made;
  }

  #pairsOf(valueAt: (place: number) => string): string[] {
    return this.#labels.map((label, place) => `${label}="${escaped(valueAt(place).slice(0, this.#limits.labelCharsMax).toWellFormed())}"`);
  }
}

function histogramSamples(series: Histogram, pairs: readonly string[]): Sample[] {
  const buckets = series.buckets();
  const total = buckets.at(-1)?.count ?? 0;
  return [
    ...buckets.map(({ bound, count, example }) => ({ suffix: "_bucket", labels: braced([...pairs, `le="${boundText(bound)}"`]), value: count, example })),
    { suffix: "_sum", labels: braced(pairs), value: series.sum },
    { suffix: "_count", labels: braced(pairs), value: total },
  ];
}

// OpenMetrics wants a bound to look like the float that it is; Prometheus reads either.
const boundText = (bound: number): string => (Number.isInteger(bound) ? `${bound}.0` : numberText(bound));

const braced = (pairs: readonly string[]): string => (pairs.length === 0 ? "" : `{${pairs.join()}}`);

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function metricText(metric: Metric, format: Format, idOf: (number: number) => string): string {
  const open = format === "openmetrics";
  // The older format knows neither families apart from their samples, nor what merely informs.
  const name = open ? metric.name : `${metric.name}${metric.kind === "counter" ? "_total" : metric.kind === "info" ? "_info" : ""}`;
  const kind = !open && metric.kind === "info" ? "gauge" : metric.kind;
  const help = open ? escaped(metric.help) : metric.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  const lines = metric.samples().map(({ suffix, labels, value, example }) => `${metric.name}${suffix}${labels} ${numberText(value)}${open && example ? exampleText(example, idOf) : ""}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}

const exampleText = ({ number, value, atMs }: Readonly<Example>, idOf: (number: number) => string): string => ` # {call_id="${escaped(idOf(number))}"} ${numberText(value)} ${(atMs / 1000).toFixed(3)}`;
