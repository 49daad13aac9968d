import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { configJsonSchema } from "../../src/config/index.ts";
import { configSchema, isRemote, limitRange, remoteEntry, stdioEntry } from "../../src/config/schema.ts";
import { defaultLimits, fixedBounds } from "../../src/base/index.ts";

interface Json {
  readonly properties: Readonly<Record<string, Json>>;
  readonly additionalProperties: boolean | Json;
  readonly anyOf: readonly Json[];
  readonly description: string;
}

test("the JSON Schema has every key of the schema and allows no other", async () => {
  const schema = (await configJsonSchema()) as unknown as Json;
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(configSchema.entries).sort());
  expect(schema.additionalProperties).toBeFalse();
  const servers = schema.properties["mcpServers"]?.additionalProperties;
  const entries = typeof servers === "object" ? servers.anyOf : [];
  expect(entries.map((entry) => Object.keys(entry.properties).sort())).toEqual([Object.keys(stdioEntry.entries).sort(), Object.keys(remoteEntry.entries).sort()]);
  expect(entries.map((entry) => entry.additionalProperties)).toEqual([false, false]);
  expect(Object.keys(schema.properties["limits"]?.properties ?? {}).sort()).toEqual(Object.keys(defaultLimits).sort());
  expect(entries[0]?.properties["env"]?.anyOf).toHaveLength(2);
  expect(schema.properties["serverDefaults"]?.properties["env"]?.anyOf).toHaveLength(2);
  // Plain data, with one schema declaration at the top.
  expect(JSON.stringify(schema).match(/"\$schema":"http/g)).toHaveLength(1);
});

test("every default is inside the range that the configuration may choose from", () => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    const [least, most] = limitRange(name, value);
    expect({ name, inside: value >= least && value <= most }).toEqual({ name, inside: true });
  }
});

test("whoever follows the log has the answer before he gives up", () => {
  expect(limitRange("tailWaitMs", defaultLimits.tailWaitMs)[1]).toBeLessThan(fixedBounds.operatorMsMax);
});

test("what has a url and no command is reached by the url", () => {
  expect([{ url: 1 }, { url: 1, command: 2 }, {}, null, "url"].map(isRemote)).toEqual([true, false, false, false, false]);
});

test("what has neither is what its type says", () => {
  for (const type of ["http", "streamableHttp", "streamable-http", "sse"]) expect(isRemote({ type })).toBeTrue();
  expect([isRemote({ type: "stdio" }), isRemote({ type: "http", command: "x" }), isRemote({ type: {} }), isRemote({})]).toEqual([false, false, false, false]);
});

describe("where to listen", () => {
  const accepts = (key: string, value: unknown): boolean => v.safeParse(configSchema, { [key]: value }).success;

  test.each(["127.0.0.1", "0.0.0.0", "::", "[::1]", "localhost", "box-1.example", "a_b", "node1"])("may be %s", (host) => expect(accepts("host", host)).toBeTrue());
  test.each(["", " ", "a b", "127.0.0.1:80", "http://127.0.0.1", "300.1.1.1", "127.1", "*", "a/b", "x@y", "[::1]:80"])("may not be %p", (host) => expect(accepts("host", host)).toBeFalse());

  test("proxies are addresses and ranges", () => {
    for (const range of ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8"]) expect(accepts("trustedProxies", [range])).toBeTrue();
    for (const range of ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "localhost", "*", ""]) expect(accepts("trustedProxies", [range])).toBeFalse();
  });

  test("the public address is no more than that", () => {
    for (const url of ["https://mcp.example", "http://mcp.example:8080/base"]) expect(accepts("publicUrl", url)).toBeTrue();
    for (const url of ["mcp.example", "ftp://mcp.example", "https://u:p@mcp.example", "https://mcp.example?x", "https://mcp.example/#f"]) expect(accepts("publicUrl", url)).toBeFalse();
  });
});
