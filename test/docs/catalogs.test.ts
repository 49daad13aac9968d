import { expect, test } from "bun:test";
import { matchesMax, matchesUsual, pairEntries } from "../../src/catalog/pair.ts";
import { configIn } from "../fixtures/config.ts";
import { pagePath, withFigures } from "./catalogs.ts";

const page = await Bun.file(pagePath).text();

test("the page on catalogs has the figures that are measured", async () => {
  expect(page).toContain("| first | first 3 | first 5 | first 10 |");
  expect(page).toBe(await withFigures(page));
});

test("its example is accepted, and the pair is what it says", () => {
  const example = /```jsonc\n(.*?)```/s.exec(page)?.[1] ?? "";
  expect(configIn(`{${example}}`).backends[0]?.tools?.rename.get("create_issue")).toBe("new_issue");
  for (const entry of pairEntries) expect(page).toContain(`\`${entry.public}\``);
  expect(page).toContain(`\`limit\`: 1 to ${matchesMax}, default ${matchesUsual}`);
});
