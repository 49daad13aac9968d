/**
 * Writes docs/configuration.md from the schema that checks a configuration and from the tables of limits, so that the page
 * cannot tell another story than the program. `bun run docs`; a test compares.
 */
import { join } from "node:path";
import { fixedBounds } from "../../src/base/index.ts";
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
  const top = membersOf(schema);
  const [program = {}, address = {}] = alternativesOf(top["mcpServers"]);
  const shared = Object.keys(membersOf(program)).filter((key) => key !== "type" && key in membersOf(address));
  const meanings = await limitMeanings();
  const tables: Readonly<Record<string, string>> = {
    top: table(schema, { skip: ["mcpServers", "serverDefaults", "limits", "names", "auth"] }),
    program: table(program, { skip: shared }),
    address: table(address, { skip: shared }),
    oauth: table(membersOf(address)["oauth"]),
    certificates: table(membersOf(address)["tls"]),
    shared: table(program, { skip: Object.keys(membersOf(program)).filter((key) => !shared.includes(key)) }),
    tools: table(membersOf(program)["tools"]),
    defaults: table(top["serverDefaults"]),
    names: table(top["names"]),
    auth: table(top["auth"]),
    authClients: table(within(top["auth"], "clients")),
    authPreregistered: table(within(top["auth"], "clients", "preregistered")),
    authIssuers: table(within(top["auth"], "issuers")),
    authRules: table(within(top["auth"], "issuers", "rules")),
    authSignIn: table(within(top["auth"], "signIn")),
    authTokens: table(within(top["auth"], "tokens")),
    limits: table(top["limits"], { meanings }),
    fixed: fixedTable(meanings),
  };
  const text = await Bun.file(join(import.meta.dir, "configuration.md")).text();
  return text.replace(/<!-- table: (\w+) -->\n/g, (_, name: string) => tables[name] ?? "");
}

const membersOf = (shape: Shape): Readonly<Record<string, Shape>> => shape.properties ?? {};

/** What is in there under these keys; of a list what is in it. */
function within(shape: Shape | undefined, ...keys: readonly string[]): Shape | undefined {
  return keys.reduce<Shape | undefined>((at, key) => itemsOf(membersOf(at ?? {})[key]), shape);
}

const itemsOf = (shape: Shape | undefined): Shape | undefined => shape?.items ?? shape;

function alternativesOf(shape: Shape | undefined): readonly Shape[] {
  const members = shape?.additionalProperties;
  return typeof members === "object" ? (members.anyOf ?? []) : [];
}

interface TableOptions {
  readonly skip?: readonly string[];
  readonly meanings?: ReadonlyMap<string, string>;
}

function table(shape: Shape = {}, { skip = [], meanings = new Map() }: TableOptions = {}): string {
  const keys = Object.entries(membersOf(shape)).filter(([key]) => !skip.includes(key));
  const rows = keys.map(([key, member]) => {
    const [meaning, standard] = split(descriptionOf(member));
    const shown = shape.required?.includes(key) === true ? "required" : standard;
    return `| \`${key}\` | ${cell(typeOf(member))} | ${cell(shown)} | ${cell(meanings.get(key) ?? meaning)} |\n`;
  });
  return `| key | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join("")}`;
}

/** What no key of the configuration changes. */
function fixedTable(meanings: ReadonlyMap<string, string>): string {
  const rows = Object.entries(fixedBounds).map(([name, value]) => `| \`${name}\` | ${value} | ${cell(meanings.get(name) ?? "")} |\n`);
  return `| bound | value | meaning |\n| --- | --- | --- |\n${rows.join("")}`;
}

const descriptionOf = (shape: Shape): string => shape.description ?? shape.anyOf?.[0]?.description ?? "";

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

/** What the tables of limits say above each of them; one comment may stand above several. */
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
