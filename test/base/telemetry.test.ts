import { describe, expect, test } from "bun:test";
import { parseTelemetry } from "../../src/base/telemetry.ts";

const at = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
const of = (env: Record<string, string>) => parseTelemetry(env, "1.2.3");

describe("spans are exported", () => {
  test("when an address is named, and not otherwise", () => {
    expect(of({})).toEqual({ settings: null, problems: [] });
    expect(of({ OTEL_SERVICE_NAME: "x" }).settings).toBeNull();
    expect(of(at).settings).toEqual({ url: "http://c:4318/v1/traces", headers: {}, resource: { "service.name": "1mcp", "service.version": "1.2.3", "telemetry.sdk.language": "nodejs", "telemetry.sdk.name": "1mcp" }, ratio: 1, followsParent: true, timeoutMs: null, everyMs: null });
  });

  test("to one address for all signals under the traces' path, or to their own as it is", () => {
    expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c/otlp/" }).settings?.url).toBe("http://c/otlp/v1/traces");
    expect(of({ ...at, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t/x" }).settings?.url).toBe("https://t/x");
  });

  test("not when the SDK is disabled, or traces go elsewhere", () => {
    for (const off of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_SDK_DISABLED: "TRUE" }, { OTEL_TRACES_EXPORTER: "none" }, { OTEL_TRACES_EXPORTER: "zipkin" }]) expect(of({ ...at, ...off })).toEqual({ settings: null, problems: [] });
    for (const on of [{ OTEL_SDK_DISABLED: "false" }, { OTEL_TRACES_EXPORTER: "console,otlp" }]) expect(of({ ...at, ...on }).settings).not.toBeNull();
  });

  test("under the names and with the headers that are given", () => {
    const { settings } = of({ ...at, OTEL_RESOURCE_ATTRIBUTES: "service.name=ignored,deployment.environment=a%20b,=x,bad", OTEL_SERVICE_NAME: "mine", OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x=y, x-b = 100% ", OTEL_BSP_SCHEDULE_DELAY: "50", OTEL_EXPORTER_OTLP_TIMEOUT: "70" });
    expect(settings?.resource).toMatchObject({ "service.name": "mine", "deployment.environment": "a b" });
    expect(settings?.headers).toEqual({ authorization: "Bearer x=y", "x-b": "100%" });
    expect([settings?.everyMs, settings?.timeoutMs]).toEqual([50, 70]);
    expect(of({ ...at, OTEL_RESOURCE_ATTRIBUTES: "service.name=named" }).settings?.resource["service.name"]).toBe("named");
  });

  test.each([
    ["always_on", "", 1, false],
    ["always_off", "", 0, false],
    ["traceidratio", "0.25", 0.25, false],
    ["parentbased_always_on", "", 1, true],
    ["parentbased_always_off", "", 0, true],
    ["parentbased_traceidratio", "0.5", 0.5, true],
    ["parentbased_traceidratio", "", 1, true],
  ])("as the sampler %s with %j says", (name, share, ratio, followsParent) => {
    expect(of({ ...at, OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share })).toMatchObject({ settings: { ratio, followsParent }, problems: [] });
  });
});

test("what cannot be followed is said", () => {
  expect(of({ ...at, OTEL_TRACES_SAMPLER: "jaeger_remote" })).toMatchObject({ settings: { ratio: 1, followsParent: true }, problems: [expect.stringContaining("OTEL_TRACES_SAMPLER")] });
  expect(of({ ...at, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "7" })).toMatchObject({ settings: { ratio: 1 }, problems: [expect.stringContaining("SAMPLER_ARG")] });
  expect(of({ ...at, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toMatchObject({ settings: null, problems: [expect.stringContaining("grpc")] });
  expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: "c:4318" })).toMatchObject({ settings: null, problems: [expect.stringContaining("ENDPOINT")] });
});
