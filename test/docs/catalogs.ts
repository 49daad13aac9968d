/**
 * Writes into docs/catalogs.md how well tools are found, and what searching saves, over the definitions of real servers
 * (test/fixtures/corpus): `bun test/docs/catalogs.ts`. A test compares.
 */
import { join } from "node:path";
import { Tiktoken } from "js-tiktoken/lite";
import ranks from "js-tiktoken/ranks/o200k_base";
import { costsOf, definitionsOf } from "../../src/catalog/index.ts";
import { corpusOffers, type Measured, measured } from "../fixtures/corpus.ts";
import { catalogOf } from "../fixtures/offers.ts";
import { projectDir } from "../fixtures/program.ts";

/** The page. */
export const pagePath = join(projectDir, "docs", "catalogs.md");

const between = /(<!-- figures:[^\n]*-->\n)[^]*(<!-- end of figures -->)/;

/** The page's text with the figures of now. */
export async function withFigures(page: string): Promise<string> {
  const figures = await figuresText();
  return page.replace(between, (_, begin: string, end: string) => `${begin}${figures}${end}`);
}

async function figuresText(): Promise<string> {
  const [tuned, heldOut] = [await measured("questions"), await measured("heldOut")];
  const tokenizer = new Tiktoken(ranks);
  const { modes } = costsOf(definitionsOf(catalogOf(...(await corpusOffers()))), (text) => tokenizer.encode(text, [], []).length);
  return `How often a tool that does what was asked is among the first matches, of ${tuned.tools} tools of ${tuned.servers} published servers ([the definitions and the questions](../test/fixtures/corpus/README.md)):

| questions | first | first 3 | first 5 | first 10 |
| --- | --- | --- | --- | --- |
${rowOf("those that the ranking was tuned with", tuned)}
${rowOf("those that were kept aside", heldOut)}

Before anything is done, these servers cost a model ${grouped(modes.full.tokens)} tokens with \`full\` and ${grouped(modes.search.tokens)} with \`search\`.
`;
}

const rowOf = (which: string, { questions, top }: Measured): string => `| ${questions}, ${which} | ${([1, 3, 5, 10] as const).map((count) => `${Math.round((top[count] / questions) * 1000) / 10} %`).join(" | ")} |`;

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

if (import.meta.main) await Bun.write(pagePath, await withFigures(await Bun.file(pagePath).text()));
