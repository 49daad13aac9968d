/**
 * Whether spans are to be exported, and how, as the standard OTEL_* variables say (OpenTelemetry: environment variable
 * specification; OTLP exporter). Nobody asked: null, and nothing of the exporter is loaded.
 */

/** How spans are chosen, sent and named. */
export interface TelemetrySettings {
  /** Where spans are posted to. */
  readonly url: string;
  /** Headers of each post; their values may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  /** Whether a trace that begins here is sampled: 1 all, 0 none, else this share. */
  readonly ratio: number;
  /** A trace that began elsewhere is sampled if it is there. */
  readonly followsParent: boolean;
  /** How long one post may take; null: as long as is standard here. */
  readonly timeoutMs: number | null;
  /** How often is posted; null: as often as is standard here. */
  readonly everyMs: number | null;
}

/** What the variables come to; `problems` are sentences about those that cannot be followed. */
export interface Telemetry {
  readonly settings: TelemetrySettings | null;
  readonly problems: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

const samplers: Readonly<Record<string, Pick<TelemetrySettings, "ratio" | "followsParent"> | "ratio">> = Object.freeze({
  always_on: { ratio: 1, followsParent: false },
  always_off: { ratio: 0, followsParent: false },
  traceidratio: "ratio",
  parentbased_always_on: { ratio: 1, followsParent: true },
  parentbased_always_off: { ratio: 0, followsParent: true },
  parentbased_traceidratio: "ratio",
});
const tracesPath = "/v1/traces";

/** Reads the variables. Never throws. */
export function parseTelemetry(env: Env, version: string): Telemetry {
  const of = (name: string): string => (env[`OTEL_${name}`] ?? "").trim();
  const problems: string[] = [];
  const where = isOff(of) ? null : addressOf(of);
  if (where === null) return { settings: null, problems };
  const obstacle = obstacleOf(of, where);
  if (obstacle !== null) return { settings: null, problems: [obstacle] };
  const settings: TelemetrySettings = {
    url: where,
    headers: pairsOf(forTraces(of, "HEADERS")),
    resource: resourceOf(of, version),
    ...samplerOf(of("TRACES_SAMPLER"), of("TRACES_SAMPLER_ARG"), problems),
    timeoutMs: positive(forTraces(of, "TIMEOUT")),
    everyMs: positive(of("BSP_SCHEDULE_DELAY")),
  };
  return { settings: Object.freeze(settings), problems };
}

type Of = (name: string) => string;

/** What is said for traces alone counts before what is said for all signals. */
const forTraces = (of: Of, name: string): string => of(`EXPORTER_OTLP_TRACES_${name}`) || of(`EXPORTER_OTLP_${name}`);

/** Why nothing can be sent there; null: nothing speaks against it. */
function obstacleOf(of: Of, where: string): string | null {
  if (forTraces(of, "PROTOCOL") === "grpc") return "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: spans are sent over http/json only, so none are";
  return /^https?:$/.test(URL.parse(where)?.protocol ?? "") ? null : "OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL: no spans are sent";
}

const isOff = (of: Of): boolean => of("SDK_DISABLED").toLowerCase() === "true" || (of("TRACES_EXPORTER") !== "" && !of("TRACES_EXPORTER").split(",").includes("otlp"));

/** An address for traces alone is taken as it is; one for all signals gets their path (OTLP exporter: endpoint URLs). */
function addressOf(of: Of): string | null {
  const own = of("EXPORTER_OTLP_TRACES_ENDPOINT");
  if (own !== "") return own;
  const shared = of("EXPORTER_OTLP_ENDPOINT");
  return shared === "" ? null : `${shared.replace(/\/$/, "")}${tracesPath}`;
}

function resourceOf(of: Of, version: string): Readonly<Record<string, string>> {
  const given = pairsOf(of("RESOURCE_ATTRIBUTES"));
  return { "service.version": version, "telemetry.sdk.language": "nodejs", "telemetry.sdk.name": "1mcp", ...given, "service.name": of("SERVICE_NAME") || given["service.name"] || "1mcp" };
}

function samplerOf(name: string, share: string, problems: string[]): Pick<TelemetrySettings, "ratio" | "followsParent"> {
  const known = name === "" ? "parentbased_always_on" : name;
  const sampler = Object.hasOwn(samplers, known) ? samplers[known] : undefined;
  if (sampler === undefined) problems.push("OTEL_TRACES_SAMPLER names a sampler that is not known here: every trace is sampled");
  if (sampler !== "ratio") return sampler ?? { ratio: 1, followsParent: true };
  return { ratio: ratioOf(share, problems), followsParent: known.startsWith("parentbased_") };
}

function ratioOf(share: string, problems: string[]): number {
  const ratio = share === "" ? 1 : Number(share);
  if (ratio >= 0 && ratio <= 1) return ratio;
  problems.push("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: every trace is sampled");
  return 1;
}

/** `a=1,b=2`, values percent-encoded. */
function pairsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))).trim(), pair.slice(pair.indexOf("=") + 1).trim()] as const);
  return Object.fromEntries(pairs.filter(([name]) => name !== "").map(([name, value]) => [decoded(name), decoded(value)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Many write a bare percent sign, and mean it.
    return text;
  }
}

const positive = (text: string): number | null => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : null);
