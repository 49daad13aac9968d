import { expect, test } from "bun:test";
import { configJsonSchema } from "../../src/config/index.ts";
import { configSchema, isRemote, limitRange, remoteEntry, stdioEntry } from "../../src/config/schema.ts";
import { defaultLimits } from "../../src/base/index.ts";

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

test("what has a url and no command is reached by the url", () => {
  expect([{ url: 1 }, { url: 1, command: 2 }, {}, null, "url"].map(isRemote)).toEqual([true, false, false, false, false]);
});
