/** The figures as a page: targets first, then every table. */
import type { GuardFigures, GuardPair, GuardRow } from "./guarded.ts";
import { type Beginnings, type Best, type Memory, type Row, type Starts, largeBytes } from "./rows.ts";

export interface Figures {
  readonly program: "binary" | "source";
  readonly bun: string;
  readonly machine: string;
  readonly calls: readonly Row[];
  readonly large: readonly Row[];
  readonly guard: GuardFigures;
  readonly begins: readonly Beginnings[];
  readonly starts: Starts;
  readonly memory: Memory;
}

export interface TargetRow {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly met: boolean;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const times = (value: number): string => `${value.toFixed(2)}x`;
const thousands = (value: number): string => Math.round(value).toLocaleString("en-US");
const megabytes = (best: Best): number => (best.perSecond * largeBytes) / 1e6;

const atMost = (what: string, value: number, most: number, show: (value: number) => string): TargetRow => ({
  what,
  wanted: `at most ${show(most)}`,
  got: show(value),
  met: value <= most,
});
const atLeast = (what: string, value: number, least: number): TargetRow => ({ what, wanted: `at least ${times(least)}`, got: times(value), met: value >= least });

/** What the guard may cost of a plain call. */
const guardMax = 1.05;
const cpuRatio = ({ open, guarded }: GuardPair): number => guarded.cpuUs / open.cpuUs;
const timeRatio = ({ open, guarded }: GuardPair): number => open.perSecond / guarded.perSecond;

/** The figure in the middle of all pairs: one that ran into other load, or was lucky, decides nothing. */
function middle({ pairs }: GuardRow, figure: (pair: GuardPair) => number): number {
  const sorted = pairs.map(figure).sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

const msText = (ms: number): string => `${ms.toFixed(1)} ms`;

/** The rows about starting. */
export const startRows = ({ emptyMs, versionMs, helpMs, listMs, listeningMs, relayListeningMs }: Starts): string[][] => [
  ["an executable of an empty file, start to end", msText(emptyMs)],
  ["`1mcp --version`, the same", msText(versionMs)],
  ["`1mcp --help`, the same", msText(helpMs)],
  ["`1mcp mcp list` of ten servers, the same", msText(listMs)],
  ["`1mcp serve`, start to the first 200 of /health", msText(listeningMs)],
  ["the relay, from source, the same", msText(relayListeningMs)],
];

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

const targetCells = ({ what, wanted, got, met }: TargetRow): string[] => [what, wanted, got, met ? "met" : "**missed**"];

/** What the guard by itself is of a plain call, where that is cheapest. */
const aloneRatio = ({ rows, aloneUs }: GuardFigures): number => aloneUs / Math.min(...rows.map((row) => middle(row, ({ open }) => open.cpuUs)));

function guardTargets(guard: GuardFigures): TargetRow[] {
  const { rows } = guard;
  const worst = (ratio: (pair: GuardPair) => number): number => Math.max(...rows.map((row) => middle(row, ratio)));
  return [atMost("the guard by itself, of the CPU of a call", aloneRatio(guard), guardMax - 1, percent), atMost("CPU per call with a grant against none", worst(cpuRatio), guardMax, times), atMost("time per call with a grant against none", worst(timeRatio), guardMax, times)];
}

/** A report with its rows about the guard renewed. */
export function withGuard(report: string, guard: GuardFigures): string {
  const renewed = guardTargets(guard).reduce((text, target) => text.replace(new RegExp(`^\\| ${target.what} \\|.*$`, "mu"), () => `| ${targetCells(target).join(" | ")} |`), report);
  return renewed.replace(/(^## The guard.*\n\n)(?:\|.*\n)+\n.*$/mu, (_, head: string) => `${head}${guardText(guard)}`);
}

/** Every target with what was measured; the worst of the rows that a target is about counts. */
export function targetsOf(figures: Figures): TargetRow[] {
  const stdio = figures.calls.filter((row) => row.backend === "stdio");
  const http = figures.calls.filter((row) => row.backend === "http");
  const perSecond = (row: Row | Beginnings): number => row.ours.perSecond / row.relay.perSecond;
  const cpu = [1, 16, 64].map((inFlight) => {
    const rows = stdio.filter((row) => row.inFlight === inFlight);
    const worst = Math.max(...rows.map((row) => row.ours.cpuUs / row.relay.cpuUs));
    return atMost(`CPU per call against the relay, stdio, ${inFlight} in flight`, worst, 2, times);
  });
  const largeStdio = figures.large.filter((row) => row.backend === "stdio");
  const rate = (rows: readonly (Row | Beginnings)[]): number => Math.min(...rows.map(perSecond));
  const { starts, memory } = figures;
  return [
    ...cpu,
    ...guardTargets(figures.guard),
    atLeast("throughput against the relay, stdio", rate(stdio), 0.5),
    atLeast("throughput against the relay, http", rate(http), 0.5),
    atLeast("connect, handshake and list against the relay", rate(figures.begins), 0.3),
    atLeast("1 MiB payloads against the relay, stdio", rate(largeStdio), 0.8),
    atMost("`--version`", starts.versionMs, 15, msText),
    atMost("`--help`", starts.helpMs, 15, msText),
    atMost("`mcp list`", starts.listMs, 15, msText),
    atMost("start to listening", starts.listeningMs, 40, msText),
    atMost("resident memory with ten servers", memory.tenMb, 80, (mb) => `${mb.toFixed(0)} MB`),
    atMost("an idle session", memory.sessionKb, 20, (kb) => `${kb.toFixed(1)} KB`),
  ];
}

function callTable(rows: readonly Row[]): string {
  const head = ["backend, client, in flight", "direct/s", "relay/s", "ours/s", "ours : relay", "p50 relay", "p50 ours", "p99 relay", "p99 ours", "CPU relay", "CPU ours", "CPU ours : relay"];
  return table(
    head,
    rows.map(({ backend, era, inFlight, direct, relay, ours }) => [
      `${backend}, ${era}, ${inFlight}`,
      ...[direct, relay, ours].map((best) => thousands(best.perSecond)),
      times(ours.perSecond / relay.perSecond),
      ...[relay.p50Ms, ours.p50Ms, relay.p99Ms, ours.p99Ms].map((ms) => `${ms.toFixed(2)} ms`),
      ...[relay, ours].map((best) => `${best.cpuUs.toFixed(1)} µs`),
      times(ours.cpuUs / relay.cpuUs),
    ]),
  );
}

function largeTable(rows: readonly Row[]): string {
  return table(
    ["backend, client", "direct MB/s", "relay MB/s", "ours MB/s", "ours : relay", "CPU ours : relay"],
    rows.map(({ backend, era, direct, relay, ours }) => [
      `${backend}, ${era}`,
      ...[direct, relay, ours].map((best) => megabytes(best).toFixed(0)),
      times(ours.perSecond / relay.perSecond),
      times(ours.cpuUs / relay.cpuUs),
    ]),
  );
}

/** The plain call against an earlier build, where one was measured. */
function earlierText(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ backend, era, inFlight, ours, earlier }) =>
    earlier === null
      ? []
      : [[`${backend}, ${era}, ${inFlight}`, thousands(earlier.perSecond), thousands(ours.perSecond), times(ours.perSecond / earlier.perSecond), `${earlier.cpuUs.toFixed(1)} µs`, `${ours.cpuUs.toFixed(1)} µs`, times(ours.cpuUs / earlier.cpuUs)]],
  );
  if (lines.length === 0) return "";
  const head = ["backend, client, in flight", "earlier/s", "now/s", "now : earlier", "CPU earlier", "CPU now", "CPU now : earlier"];
  return `\n## Small calls against an earlier build\n\nThe earlier one served plain calls and knew no questions, subscriptions or tasks across the eras.\n\n${table(head, lines)}\n`;
}

/** What is said of the guard. */
export const guardText = (guard: GuardFigures): string => `${guardTable(guard.rows)}\n\nBy itself, in one process, it takes ${guard.aloneUs.toFixed(2)} µs of a request: ${percent(aloneRatio(guard))} of the CPU of the cheapest of these calls.`;

function guardTable(rows: readonly GuardRow[]): string {
  return table(
    ["in flight", "none/s", "granted/s", "CPU none", "CPU granted", "CPU granted : none", "time granted : none"],
    rows.map((row) => {
      const of = (figure: (pair: GuardPair) => number): number => middle(row, figure);
      const spread = (ratio: (pair: GuardPair) => number): string => {
        const sorted = row.pairs.map(ratio).sort((a, b) => a - b);
        const last = sorted.length - 1;
        return `${times(of(ratio))} (${times(sorted[Math.floor(last / 4)]!)} to ${times(sorted[Math.ceil((last * 3) / 4)]!)})`;
      };
      return [`${row.inFlight}`, thousands(of(({ open }) => open.perSecond)), thousands(of(({ guarded }) => guarded.perSecond)), `${of(({ open }) => open.cpuUs).toFixed(1)} µs`, `${of(({ guarded }) => guarded.cpuUs).toFixed(1)} µs`, spread(cpuRatio), spread(timeRatio)];
    }),
  );
}

function beginTable(rows: readonly Beginnings[]): string {
  return table(
    ["client", "relay/s", "ours/s", "ours : relay", "CPU relay", "CPU ours"],
    rows.map(({ era, relay, ours }) => [
      era,
      thousands(relay.perSecond),
      thousands(ours.perSecond),
      times(ours.perSecond / relay.perSecond),
      `${relay.cpuUs.toFixed(0)} µs`,
      `${ours.cpuUs.toFixed(0)} µs`,
    ]),
  );
}

/** The whole page in markdown. */
export function reportOf(figures: Figures): string {
  const { starts, memory } = figures;
  const targets = targetsOf(figures).map(targetCells);
  return `# Benchmarks

Written by \`bun run bench --write\`. Everything is measured in one run against the *bare relay* of \`test/bench/relay.ts\`: HTTP
in, one JSON parse, the id rewritten, the server's prefix taken off, forwarded; no checks, sessions, streams or time-outs. All have
run for some seconds before anything counts, and each figure is the best of several interleaved rounds. *Direct* is the client at the backend with nothing in between: over the
pipe for stdio, at the URL for http. CPU is that of the process in front only. Ratios are what counts; the absolute figures
belong to one machine (${figures.machine}; Bun ${figures.bun}; the program as ${figures.program}).

## Targets

${table(["what", "wanted", "measured", ""], targets)}

## Small calls (100 bytes of text each way)

${callTable(figures.calls)}
${earlierText(figures.calls)}
## Large calls (1 MiB each way, 4 in flight)

${largeTable(figures.large)}

## The guard (small calls, stdio, 2026; the same requests to a proxy that asks for no authentication, and to one where their token is a grant for one of two servers; both in one process, from source; the middle of all pairs of windows, and half of them lie between)

${guardText(figures.guard)}

## Beginnings (connect, handshake or discovery, list of ten tools, leave; 8 at once)

${beginTable(figures.begins)}

## Start and memory

${table(
  ["what", "measured"],
  [
    ...startRows(starts),
    ["resident memory of the relay, one stdio server", `${memory.relayMb.toFixed(0)} MB`],
    ["resident memory, one stdio server", `${memory.oneMb.toFixed(0)} MB`],
    ["resident memory, ten stdio servers", `${memory.tenMb.toFixed(0)} MB`],
    ["each idle session of the older era", `${memory.sessionKb.toFixed(1)} KB`],
    ["each such session with its stream open", `${memory.streamKb.toFixed(1)} KB`],
  ],
)}
`;
}
