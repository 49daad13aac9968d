import { expect, test } from "bun:test";
import { defaultLimits, fixedBounds } from "../../src/base/index.ts";
import { configSchema, remoteEntry, stdioEntry } from "../../src/config/schema.ts";
import { configIn } from "../fixtures/config.ts";
import { configurationPage, pagePath } from "./configuration.ts";

const page = await Bun.file(pagePath).text();

test("the page on the configuration is what `bun run docs` makes of the schema", async () => expect(page).toBe(await configurationPage()));

test("every key is on it, with what it is for", () => {
  const keys = [configSchema, stdioEntry, remoteEntry].flatMap((schema) => Object.keys(schema.entries));
  for (const key of [...keys, ...Object.keys(defaultLimits), ...Object.keys(fixedBounds)]) expect(page).toContain(`\`${key}\``);
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(80);
  for (const row of rows) {
    const cells = row.split(/(?<!\\)\|/).slice(2, -1).map((text) => text.trim() !== "");
    expect({ row, first: cells[0], last: cells.at(-1) }).toEqual({ row, first: true, last: true });
  }
});

test("its example is accepted", () => {
  expect(configIn(/```jsonc\n(.*?)```/s.exec(page)?.[1] ?? "").trustedProxies).toEqual(["10.0.0.5"]);
});
