/**
 * Writes docs/configuration.md from the schema that checks a configuration and from the table of limits, so that the page
 * cannot tell another story than the program. `bun run docs`; a test compares.
 */
import { join } from "node:path";
import { configJsonSchema } from "../../src/config/index.ts";
import { projectDir } from "../fixtures/program.ts";

/** The page. */
export const pagePath = join(projectDir, "docs", "configuration.md");

/** As much of JSON Schema as the configuration's own uses. */
interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | false;
}

/** The page's text as it should be. */
export async function configurationPage(): Promise<string> {
  const schema = (await configJsonSchema()) as Shape;
  const top = schema.properties ?? {};
  const servers = top["mcpServers"]?.additionalProperties;
  const [program = {}, address = {}] = (servers !== undefined && servers !== false && servers.anyOf) || [];
  const shared = Object.keys(program.properties ?? {}).filter((key) => key !== "type" && key in (address.properties ?? {}));
  const text = await Bun.file(join(import.meta.dir, "configuration.md")).text();
  const tables: Readonly<Record<string, string>> = {
    top: table(top, { skip: ["mcpServers", "serverDefaults", "limits", "names"] }),
    program: table(program.properties ?? {}, { skip: shared, required: program.required ?? [] }),
    address: table(address.properties ?? {}, { skip: shared, required: address.required ?? [] }),
    shared: table(Object.fromEntries(shared.map((key) => [key, program.properties?.[key] ?? {}]))),
    defaults: table(top["serverDefaults"]?.properties ?? {}),
    names: table(top["names"]?.properties ?? {}),
    limits: table(top["limits"]?.properties ?? {}, { meanings: await limitMeanings() }),
  };
  return text.replace(/<!-- table: (\w+) -->\n/g, (_, name: string) => tables[name] ?? "");
}

interface TableOptions {
  readonly skip?: readonly string[];
  readonly required?: readonly string[];
  readonly meanings?: ReadonlyMap<string, string>;
}

function table(shapes: Readonly<Record<string, Shape>>, { skip = [], required = [], meanings }: TableOptions = {}): string {
  const rows = Object.entries(shapes)
    .filter(([key]) => !skip.includes(key))
    .map(([key, shape]) => {
      const [meaning, standard] = split(shape.description ?? shape.anyOf?.[0]?.description ?? "");
      const shown = required.includes(key) ? "required" : standard;
      return `| \`${key}\` | ${cell(typeOf(shape))} | ${cell(shown)} | ${cell(meanings?.get(key) ?? meaning)} |\n`;
    });
  return `| key | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

/** A description ends with what holds without the key. */
function split(description: string): readonly [meaning: string, standard: string] {
  const found = /^(.*?) ?Default: (.*)\.$/s.exec(description);
  return found === null ? [description, ""] : [found[1] ?? "", found[2] ?? ""];
}

function typeOf(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${value}\``).join(", ");
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(" or ");
  if (shape.type === "integer") return `${shape.minimum} to ${shape.maximum}`;
  if (shape.type === "array") return `list of ${typeOf(shape.items ?? {})}s`;
  return shape.type === "boolean" ? "true, false" : (shape.type ?? "");
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** What the table of limits says above each of them; one comment may stand above several. */
async function limitMeanings(): Promise<ReadonlyMap<string, string>> {
  const meanings = new Map<string, string>();
  let above = "";
  for (const line of (await Bun.file(join(projectDir, "src", "base", "limits.ts")).text()).split("\n")) {
    above = /^ {2}\/\*\* (.*) \*\/$/.exec(line)?.[1] ?? above;
    const key = /^ {2}(\w+): /.exec(line)?.[1];
    if (key !== undefined) meanings.set(key, above);
  }
  return meanings;
}

if (import.meta.main) await Bun.write(pagePath, await configurationPage());
